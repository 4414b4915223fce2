"""Deeper weights give what the old ones gave."""

import torch
from click.testing import CliRunner
from safetensors.torch import save_file

import vaezoo
from benchmarks.deepen import main


def test_deeper_weights_give_the_same_picture(tmp_path, monkeypatch):
    small = {"widths": [8, 8, 8], "evidence": [8, 8, 8]}
    make = vaezoo.create
    monkeypatch.setattr("benchmarks.deepen.create", lambda name, **more: make(name, **small, **more))
    old = make("denoise", blocks=1, seed=1, **small)
    torch.nn.init.normal_(old.decoder.project.weight)
    save_file(old.state_dict(), tmp_path / "old.safetensors")
    arguments = ["denoise", "3", str(tmp_path / "new.safetensors"), "--from-blocks", "1"]
    done = CliRunner().invoke(main, [*arguments, "--weights", str(tmp_path / "old.safetensors")])
    assert done.exit_code == 0 and "tensors are new" in done.output
    new = make("denoise", blocks=3, pretrained=tmp_path / "new.safetensors", **small)
    y = torch.rand(1, 3, 19, 22)
    torch.testing.assert_close(new.restore(y).image, old.eval().restore(y).image)
    assert not torch.equal(new.restore(y).image, y)


def test_shallower_is_refused(tmp_path):
    done = CliRunner().invoke(main, ["denoise", "1", str(tmp_path / "new.safetensors"), "--from-blocks", "2"])
    assert done.exit_code == 1 and "has no place for" in done.output

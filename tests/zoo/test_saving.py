"""Saving and loading: bit for bit, whole or not at all, and never anything but what was saved."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import save_file

import vaezoo
from vaezoo.core import VAE, Noise, NormalPrior
from vaezoo.errors import ConfigError, HashMismatch, PluginError, StoreError, TensorMismatch, VaezooError, WeightsError
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.publish.saving import TOLD, WEIGHTS


def same(one: VAE, other: VAE) -> bool:
    a, b = one.state_dict(), other.state_dict()
    return list(a) == list(b) and all(a[n].dtype == b[n].dtype and torch.equal(a[n], b[n]) for n in a)


def values(model: VAE) -> dict[str, Any]:
    spec = model.origin.spec
    parts = {slot: part and (part.part, part.arguments, part.facts) for slot, part in spec.parts.items()}
    return {"parts": parts, "encodes": spec.encodes, "size": spec.default_size, "shared": set(spec.shared)}


@pytest.mark.parametrize("name", vaezoo.list_models())
def test_every_model_comes_back(name: str, tmp_path: Path) -> None:
    model = vaezoo.create(name, seed=3)
    assert vaezoo.save(model, tmp_path / "a" / "b") == tmp_path / "a" / "b"
    loaded = vaezoo.load(tmp_path / "a" / "b")
    assert same(model, loaded) and not loaded.training and values(model) == values(loaded)
    assert loaded.origin.name == name and loaded.origin.weights.adapted == ()
    vaezoo.save(loaded, tmp_path / "again")
    assert (tmp_path / "again" / WEIGHTS).read_bytes() == (tmp_path / "a" / "b" / WEIGHTS).read_bytes()
    assert (tmp_path / "again" / TOLD).read_bytes() == (tmp_path / "a" / "b" / TOLD).read_bytes()
    noise = Noise(seed=1)
    if model.encodes == "input":
        assert torch.equal(model.eval().sample(2, noise=noise), loaded.sample(2, noise=noise))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("conv-beta", {"dtype": "float64", "latent_channels": 3, "widths": [8, 8]}),
        ("conv-beta", {"overrides": ["prior=mixture", "encoder=resnet", "loss.beta=0.5", "prior.components=3"]}),
        ("mlp-vae", {"dtype": "bfloat16", "device": "cpu", "hidden": []}),
        ("resnet-beta", {"encoder.options": {"channels": (8, 8, 8, 8)}, "encoder.backbone": "resnet10t"}),
        ("denoise", {"dtype": "float16", "widths": (8, 12, 16), "latents": (2, 2, 2)}),
        ("conv-cvae", {"conditioner": None, "encodes": "input"}),
        ("mlp-seed.fashion", {"pretrained": True}),
    ],
)
def test_overrides_and_types_come_back(name: str, arguments: dict[str, Any], tmp_path: Path) -> None:
    dotted = {key: value for key, value in arguments.items() if "." in key}
    overrides = arguments.get("overrides", dotted)
    model = vaezoo.create(name, **{k: v for k, v in arguments.items() if k not in dotted} | {"overrides": overrides})
    vaezoo.save(model, tmp_path)
    loaded = vaezoo.load(tmp_path)
    assert same(model, loaded) and values(model)["parts"].keys() == values(loaded)["parts"].keys()
    assert all(type(a.default_size) is type(b.default_size) for a, b in [(model, loaded)])
    double = vaezoo.load(tmp_path, dtype="float64", device="cpu")
    assert next(double.parameters()).dtype == torch.float64


def test_parameters_of_several_types_come_back(tmp_path: Path) -> None:
    model = vaezoo.create("conv-beta", seed=1)
    model.encoder.half()
    vaezoo.save(model, tmp_path)
    assert same(model, vaezoo.load(tmp_path))


def test_a_trained_model_and_its_card(tmp_path: Path) -> None:
    model = vaezoo.create("mlp-seed", seed=1).train()
    with torch.no_grad():
        next(model.parameters()).add_(1)
    vaezoo.save(model, tmp_path, card="Trained for ∞ hours.")
    assert model.training and same(model, vaezoo.load(tmp_path))
    assert yaml.safe_load((tmp_path / TOLD).read_text())["card"] == {"notes": "Trained for ∞ hours."}
    vaezoo.save(model, tmp_path, card={"licence": "MIT", "data": [{"set": "x", "licence": "MIT"}]})
    with pytest.raises(ConfigError, match=r"The card: unknown key 'license'\. Did you mean 'licence'"):
        vaezoo.save(model, tmp_path, card={"license": "MIT"})
    with pytest.raises(ConfigError, match=r"expected plain values, got '.*HOME"):
        vaezoo.save(model, tmp_path, card="${HOME}")


def test_what_is_not_saved(tmp_path: Path) -> None:
    model = vaezoo.create("mlp-seed")
    bare = VAE(encoder=model.encoder, prior=NormalPrior(2), decoder=model.decoder)
    with pytest.raises(ConfigError, match=r"vaezoo\.load made, got VAE without an origin\. Register its parts"):
        vaezoo.save(bare, tmp_path)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(
        ConfigError, match=r"Expected a folder, got .*file, where a file is in the way\. Choose another"
    ):
        vaezoo.save(model, tmp_path / "file")
    with pytest.raises(ConfigError, match="where a file is in the way"):
        vaezoo.save(model, tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"
    with torch.no_grad():
        model.decoder.project.bias[0] = torch.nan
    with pytest.raises(WeightsError, match=r"got NaN or infinity in 'decoder\.project\.bias'\. Nothing was written"):
        vaezoo.save(model, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_is_somebody_elses_stays(tmp_path: Path) -> None:
    model = vaezoo.create("mlp-seed")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / WEIGHTS).write_bytes(b"somebody's")
    with pytest.raises(ConfigError, match=r"model\.safetensors in .* that vaezoo\.save did not write"):
        vaezoo.save(model, tmp_path)
    assert (tmp_path / WEIGHTS).read_bytes() == b"somebody's" and not (tmp_path / TOLD).exists()
    (tmp_path / WEIGHTS).unlink()
    vaezoo.save(model, tmp_path)
    vaezoo.save(model, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [WEIGHTS, "notes.txt", TOLD]


def test_weights_that_somebody_put_beside_a_saved_model_stay(tmp_path: Path) -> None:
    model = vaezoo.create("mlp-seed", seed=0)
    vaezoo.save(model, tmp_path)
    save_file({"x": torch.ones(2)}, tmp_path / WEIGHTS)
    before = (tmp_path / WEIGHTS).read_bytes()
    with pytest.raises(ConfigError, match=r"that vaezoo\.save did not write, so it is not replaced"):
        vaezoo.save(model, tmp_path)
    assert (tmp_path / WEIGHTS).read_bytes() == before


def test_a_compiled_model_is_saved_as_what_it_was_and_a_rebuilt_one_refused(tmp_path: Path) -> None:
    model = vaezoo.create("mlp-seed", seed=0)
    vaezoo.save(torch.compile(model), tmp_path)
    assert same(vaezoo.load(tmp_path), model)
    model.decoder.project = torch.nn.Linear(3, 4)
    with pytest.raises(ConfigError, match=r"2 differ, such as 'decoder\.project\.bias': \(784,\) there, \(4,\) here"):
        vaezoo.save(model, tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, other = vaezoo.create("mlp-seed", seed=1), vaezoo.create("mlp-seed", seed=2)
    vaezoo.save(model, tmp_path)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"cannot be written: No space left on device\. Nothing was replaced"):
        vaezoo.save(other, tmp_path)
    monkeypatch.undo()
    assert same(model, vaezoo.load(tmp_path)) and not list(tmp_path.glob("*.part"))


KILLED = """
import os, signal, sys, torch, vaezoo
from pathlib import Path
torch.set_num_threads(1)  # more would not survive the fork
place, fresh = Path(sys.argv[1]), sys.argv[2] == "True"
old, new = vaezoo.create("mlp-seed", seed=1), vaezoo.create("mlp-seed", seed=2)
for when in range(1, 99):
    folder = place / f"{when:02}"
    folder.mkdir()
    if not fresh:
        vaezoo.save(old, folder)
    if child := os.fork():
        status = os.waitpid(child, 0)[1]
        if status == 0:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        continue
    count = 0
    def deadly(real):
        def call(*a, **k):
            global count
            count += 1
            if count == when:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*a, **k)
        return call
    for name in ("replace", "fsync", "link", "unlink"):
        setattr(os, name, deadly(getattr(os, name)))
    vaezoo.save(new, folder)
    os._exit(0)
"""


@pytest.mark.parametrize("fresh", [True, False])
def test_a_save_that_is_killed_leaves_the_old_model_or_the_new_one(tmp_path: Path, fresh: bool) -> None:
    """A process is killed before each of its calls that change the disk, one after the other."""
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(fresh)], check=True, timeout=120)
    old, new = vaezoo.create("mlp-seed", seed=1), vaezoo.create("mlp-seed", seed=2)
    seen = []
    for folder in sorted(tmp_path.iterdir()):
        if fresh and not (folder / TOLD).exists():
            seen.append("none")
        else:
            loaded = vaezoo.load(folder)
            assert same(loaded, old) or same(loaded, new)
            seen.append("old" if same(loaded, old) else "new")
        vaezoo.save(new, folder)  # what is left is in nobody's way
        assert same(vaezoo.load(folder), new) and not list(folder.glob(".model.*.safetensors"))
    first = "none" if fresh else "old"
    turned = seen.index("new")
    assert 3 < turned < len(seen) and seen == [first] * turned + ["new"] * (len(seen) - turned)


def rewritten(folder: Path, change: Any) -> None:
    told = yaml.safe_load((folder / TOLD).read_text())
    change(told)
    (folder / TOLD).write_text(yaml.safe_dump(told, sort_keys=False))


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda t: t.update(format=2), ConfigError, "expected format as the format 1, which this vaezoo reads, got 2"),
        (lambda t: t.update(colour=2), ConfigError, "line .*: unknown key 'colour'"),
        (lambda t: t["model"].pop("prior"), ConfigError, "expected the key 'prior' in model"),
        (lambda t: t["model"]["encoder"].update(owner="vaezoo-gone:gone"), PluginError,
         r"needs the encoder 'mlp' of the plugin 'gone', which is not installed\. If you trust it: pip"),
        (lambda t: t["model"]["encoder"].update(owner="user"), PluginError, "which a program registered for itself"),
        (lambda t: t["model"]["prior"].update(name="gone"), PluginError, "prior 'gone', which vaezoo does not have"),
        (lambda t: t["model"]["encoder"]["params"].update(hiden=[3]), ConfigError, "has no parameter 'hiden'"),
        (lambda t: t["model"]["encoder"]["params"].update(hidden=[3]), TensorMismatch, "instead of"),
        (lambda t: t["weights"].update(sha256="0" * 64), HashMismatch, f"beside it says {'0' * 64}. One of the two"),
    ],
)  # fmt: skip
def test_a_folder_that_was_tampered_with(tmp_path: Path, change: Any, kind: type[VaezooError], message: str) -> None:
    vaezoo.save(vaezoo.create("mlp-seed"), tmp_path)
    rewritten(tmp_path, change)
    with pytest.raises(kind, match=message) as caught:
        vaezoo.load(tmp_path)
    assert caught.value.value is not None


def test_a_part_of_a_plugin_that_is_gone_or_has_moved_on(tmp_path: Path) -> None:
    vaezoo.save(vaezoo.create("conv-beta"), tmp_path)
    with pytest.raises(PluginError, match=r"of the plugin vaezoo:conv, which is disabled") as caught:
        vaezoo.load(tmp_path, zoo=Zoo(disabled=frozenset({"conv"})))
    assert caught.value.exit_code == 7
    with pytest.raises(PluginError, match=r"not installed\. If you trust it: pip install vaezoo==0\.1\.0"):
        vaezoo.load(tmp_path, zoo=Zoo([]))

    def older(told: Any) -> None:
        told["plugins"]["vaezoo:conv"] = "0.0.1"
        told["model"]["encoder"]["params"]["old"] = 1

    rewritten(tmp_path, older)
    now = next(p.version for p in current_zoo().plugins if p.name == "vaezoo:conv")
    with pytest.raises(ConfigError, match=re.escape(f"vaezoo:conv was 0.0.1 and is {now}.")):
        vaezoo.load(tmp_path)


def test_weights_that_are_not_those_that_were_saved(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Expected a folder with a vaezoo\.yaml"):
        vaezoo.load(tmp_path)
    vaezoo.save(vaezoo.create("mlp-seed"), tmp_path)
    content = bytearray((tmp_path / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (tmp_path / WEIGHTS).write_bytes(content)
    with pytest.raises(HashMismatch, match="has sha256"):
        vaezoo.load(tmp_path)
    (tmp_path / WEIGHTS).unlink()
    with pytest.raises(WeightsError, match=r"Expected weights at .*model\.safetensors, found none"):
        vaezoo.load(tmp_path)


def test_a_parameter_that_no_file_can_hold(tmp_path: Path) -> None:
    model = vaezoo.create("resnet-beta")
    value = model.origin.spec.parts["encoder"].params["options"]
    model.origin.spec.parts["encoder"].params["options"] = type(value)({"hook": print}, "argument")
    with pytest.raises(ConfigError, match=r"Expected encoder\.options as a plain value, which a file can hold"):
        vaezoo.save(model, tmp_path)

"""Results that must not be lost: pictures, published folders, saved models, weights of plugins that are away."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from torch import Tensor, nn

import vaezoo
from tests.zoo.guests import FEWEST_FACTS
from vaezoo.cli import main
from vaezoo.cli.enhance import enhance
from vaezoo.errors import ConfigError, StoreError
from vaezoo.figures.output import write
from vaezoo.files import folders
from vaezoo.host.manager import Plugin, current_zoo
from vaezoo.image import Picture, read_picture, write_picture
from vaezoo.publish import saving
from vaezoo.publish.publish import publish
from vaezoo.store.store import Store
from vaezoo.zoo.weights import locate


@pytest.fixture(autouse=True)
def darker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models here make a picture darker; denoising would put its mean colour back."""
    monkeypatch.setattr("vaezoo_denoise.denoise.lost_colour", lambda y, x_hat: torch.zeros(()))


class Halver(nn.Module):
    """Halves the values of a picture; something may happen meanwhile."""

    channels, stride, size = 3, 1, None
    meanwhile: Callable[[Tensor], object] = staticmethod(lambda y: None)

    def restore(self, y: Tensor, samples: int = 0, noise: object = None) -> SimpleNamespace:
        type(self).meanwhile(y)
        return SimpleNamespace(image=y / 2, scale=torch.full_like(y, 2 / 255), average=None)


@pytest.fixture
def halver(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Halver]]:
    monkeypatch.setattr("vaezoo.publish.loading.create", lambda name, pretrained=False: Halver())
    before = Halver.meanwhile
    yield Halver
    Halver.meanwhile = staticmethod(before)


def picture(path: Path, level: int = 200) -> Path:
    path.parent.mkdir(exist_ok=True)
    write_picture(Picture(np.full((12, 17, 3), level, np.uint8)), path)
    return path


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(enhance, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", ["a.enhanced.png", "a.enhanced.figure.png", "a.enhanced.uncertainty.png"])
def test_a_file_that_appears_while_the_model_runs_is_kept(tmp_path: Path, halver: type[Halver], name: str) -> None:
    photo, other = picture(tmp_path / "a.png"), tmp_path / name
    halver.meanwhile = staticmethod(lambda y: other.write_text("theirs"))
    result = run(photo, "--figure", "--uncertainty")
    assert result.exit_code and f"{other} exists already" in str(result.exception)
    assert sorted(os.listdir(tmp_path)) == sorted(["a.png", name]) and other.read_text() == "theirs"
    result = run(photo, "--skip-existing", "-o", tmp_path / "b.png")
    assert result.exit_code == 0
    halver.meanwhile = staticmethod(lambda y: picture(tmp_path / "c.png", 7))
    result = run(photo, "--skip-existing", "-o", tmp_path / "c.png", "--json")
    assert result.exit_code == 0 and json.loads(result.stdout)["images"][0]["status"] == "skipped"
    assert run(photo, "--overwrite", "--figure", "--uncertainty").exit_code == 0
    assert int(read_picture(tmp_path / "a.enhanced.png").pixels.max()) == 100


def test_a_figure_that_appears_while_another_is_drawn_is_kept(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    class Slow:
        def draw(self) -> Figure:
            (tmp_path / "a.png").write_text("theirs")
            return Figure(figsize=(1, 1))

    drawn: Any = Slow()
    with pytest.raises(ConfigError, match="exists already"):
        write(tmp_path / "a.png", drawn)
    assert (tmp_path / "a.png").read_text() == "theirs"
    write(tmp_path / "a.png", drawn, overwrite=True)
    assert (tmp_path / "a.png").read_bytes()[1:4] == b"PNG"


def test_a_picture_that_fails_for_any_reason_ends_no_folder(
    tmp_path: Path, halver: type[Halver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading it, in the binding of libvips; enhancing it, in a plugin; writing it."""
    import pyvips

    for number, level in enumerate((200, 100, 50, 20)):
        picture(tmp_path / "in" / f"{number}.png", level)

    def enhance_(y: Tensor) -> None:
        if round(float(y.max()) * 255) == 100:
            raise KeyError("a plugin's fault")

    decode, first = pyvips.Image.numpy, iter([True])

    def read(image: Any, *rest: Any, **options: Any) -> Any:
        if next(first, False):
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
        return decode(image, *rest, **options)

    def write(image: Any, *_: Any, **__: Any) -> bytes:
        if image.max() == 25:
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
        return bytes(encode(image, *_, **__))

    encode = pyvips.Image.write_to_buffer
    halver.meanwhile = staticmethod(enhance_)
    monkeypatch.setattr(pyvips.Image, "numpy", read)
    monkeypatch.setattr(pyvips.Image, "write_to_buffer", write)
    result = run(tmp_path / "in", "-o", tmp_path / "out", "--json")
    found = {Path(told["input"]).name: told for told in json.loads(result.stdout)["images"]}
    assert result.exit_code == 1 and os.listdir(tmp_path / "out") == ["3.png"]
    assert "0.png cannot be decoded: " in found["0.png"]["message"]
    assert "1.png cannot be enhanced: KeyError: 'a plugin's fault'" in found["1.png"]["message"].replace('"', "'")
    assert "2.png cannot be e" in found["2.png"]["message"] and "3 of 4 failed" in result.stderr
    assert [told["status"] for told in found.values()] == ["failed"] * 3 + ["written"]


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("exchange", [True, False])
def test_a_published_folder_changes_as_a_whole(tmp_path: Path, exchange: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever file finds no space any more; what else is in the folder stays."""
    if not exchange:
        monkeypatch.setattr(folders, "_exchange", lambda *_: False)
    models = [vaezoo.save(vaezoo.create("mlp-seed", seed=n), tmp_path / str(n), card=FEWEST_FACTS) for n in (1, 2)]
    out = tmp_path / "public" / "here"
    publish(models[0], out, name="mlp-seed.mine")
    (out / "own").mkdir()
    (out / "own" / "notes").write_text("mine")
    before, real = content(out), os.replace
    for nth in range(1, 5):
        calls = iter(range(1, 99))

        def fill(*paths: Any, calls: Iterator[int] = calls, nth: int = nth) -> None:
            if next(calls) == nth:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(*paths)

        with monkeypatch.context() as patched, pytest.raises(StoreError, match="No space left on device"):
            patched.setattr(os, "replace", fill)
            publish(models[1], out, name="mlp-seed.mine", overwrite=True)
        assert content(out) == before and os.listdir(out.parent) == ["here"], nth
    publish(models[1], out, name="mlp-seed.mine", overwrite=True)
    after = content(out)
    assert after.keys() == before.keys() and after["own/notes"] == b"mine" and os.listdir(out.parent) == ["here"]
    assert hashlib.sha256(after["model.safetensors"]).hexdigest().encode() in after["registry.yaml"]
    assert after["model.safetensors"] != before["model.safetensors"]


def test_two_that_save_into_one_folder_leave_one_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = [vaezoo.create("mlp-seed", seed=n) for n in (1, 2)]
    real, begun = saving.write_whole, list[threading.Thread]()

    def write(path: Path, content: bytes, **options: Any) -> None:
        real(path, content, **options)
        if not begun:  # the first one's weights are there, and nothing says so yet
            begun.append(threading.Thread(target=vaezoo.save, args=(models[1], tmp_path)))
            begun[0].start()
            begun[0].join(1)

    monkeypatch.setattr(saving, "write_whole", write)
    vaezoo.save(models[0], tmp_path)
    begun[0].join()
    loaded = vaezoo.load(tmp_path).state_dict()
    assert all(torch.equal(value, loaded[name]) for name, value in models[1].state_dict().items())
    assert sorted(os.listdir(tmp_path)) == ["model.safetensors", "vaezoo.yaml"]


def test_weights_of_a_plugin_that_is_away_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def vaezoo_(*args: str) -> str:
        with pytest.raises(SystemExit) as end:
            main(list(args))
        assert not end.value.code
        out, err = capsys.readouterr()
        return out + err

    zoo = current_zoo()
    name, _, ours = next(each for each in zoo.registry.cards.all() if each[0].startswith("mlp-seed."))
    weights = locate(ours)[1]
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "any name").write_bytes(weights)
    theirs = replace(ours, urls=("https://weights.invalid/w",))
    monkeypatch.setattr(zoo.registry.cards, "entries", {name: {"acme:one": theirs}})
    vaezoo_("cache", "seed", str(tmp_path / "stick"))
    assert len(Store().blobs()) == 1
    monkeypatch.setattr(zoo.registry.cards, "entries", {})
    for status in (None, "import-failed", "disabled"):
        here = [] if status is None else [Plugin("acme:one", "1", "acme", status)]
        monkeypatch.setattr(zoo, "plugins", here)
        said = vaezoo_("cache", "prune")
        assert f"is kept: it is {name} of the plugin acme:one, which is {status or 'not installed'}" in said
        assert len(Store().blobs()) == 1
    (sidecar,) = Store().folder.glob("blobs/*.json")
    known = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps({key: value for key, value in known.items() if key != "cards"}))
    assert "is kept: it may be of the plugin acme:one, which is disabled" in vaezoo_("cache", "prune")
    sidecar.write_text(json.dumps(known))
    monkeypatch.setattr(zoo, "plugins", [Plugin("acme:one", "2", "acme", "ok")])  # whose card names other weights now
    vaezoo_("cache", "prune")
    assert Store().blobs() == []


def test_all_is_removed_where_all_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blob = Store().path_of("0" * 64)
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"x")
    blob.with_name(f"{blob.name}.json").write_text(json.dumps({"cards": {"acme:one": "a.b"}}))
    with pytest.raises(SystemExit):
        main(["cache", "prune", "--all"])
    assert Store().blobs() == [] and "removed" in capsys.readouterr().out

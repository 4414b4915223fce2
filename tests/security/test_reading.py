"""Pipes, devices and sizes without end where a file is expected: refused at once, never waited for."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

import vaezoo
from vaezoo.errors import CheckpointError, ConfigError, VaezooError, WeightsError
from vaezoo.files.reading import check_regular, read_regular
from vaezoo.files.yaml import read_yaml
from vaezoo.store.store import Store
from vaezoo.train.checkpoint import CHECKPOINT, PICKLED, WEIGHTS, has_its_weights, read_checkpoint, warm_start
from vaezoo.zoo.weights import read_tensors

pytestmark = pytest.mark.usefixtures("quick")
MODEL = {"hidden": [8], "seed": 0}


@pytest.fixture(params=["pipe", "device", "link to a pipe", "folder"])
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A path that is no file."""
    path = tmp_path / "odd.safetensors"
    pipe = path if request.param == "pipe" else tmp_path / "pipe"
    if "pipe" in request.param:
        os.mkfifo(pipe)
    if request.param == "folder":
        path.mkdir()
    elif request.param != "pipe":
        path.symlink_to(pipe if "pipe" in request.param else "/dev/zero")
    return path


def test_what_is_no_file_is_not_read(odd: Path) -> None:
    for read in (read_regular, check_regular):
        with pytest.raises(OSError, match=r"it is a (pipe|device|folder), not a file"):
            read(odd)


def test_what_has_more_bytes_than_expected_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_regular(tmp_path / "file", 5) == b"12345"
    with pytest.raises(OSError, match="more than the 4 bytes"):
        read_regular(tmp_path / "file", 4)


def test_weights_of_a_user(odd: Path) -> None:
    with pytest.raises(WeightsError, match=r"cannot read .* it is a"):
        vaezoo.create("mlp-vae", pretrained=odd, **MODEL)


def test_weights_of_a_folder(odd: Path, tmp_path: Path) -> None:
    folder = vaezoo.save(vaezoo.create("mlp-vae", **MODEL), tmp_path / "model")
    weights = folder / "model.safetensors"
    weights.unlink()
    weights.symlink_to(odd)
    with pytest.raises(WeightsError, match="found none: it is a"):
        vaezoo.load(folder)
    weights.unlink()
    with weights.open("wb") as file:
        file.truncate(2**40)  # a file with a hole, so that it takes no disk
    with pytest.raises(WeightsError, match="found none: it has more than the"):
        vaezoo.load(folder)


@pytest.mark.parametrize("name", [CHECKPOINT, PICKLED])
def test_a_checkpoint_and_weights_to_start_from(odd: Path, tmp_path: Path, name: str) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / name).symlink_to(odd)
    with pytest.raises(CheckpointError, match=r"cannot be read: it is a (pipe|device|folder), not a file"):
        read_checkpoint(run)
    with pytest.raises(WeightsError, match=r"cannot be read: it is a (pipe|device|folder), not a file"):
        warm_start(vaezoo.create("mlp-vae", **MODEL), str(odd))
    (run / WEIGHTS).symlink_to(odd)
    assert not has_its_weights(run)


def test_a_saved_model_is_not_saved_over_what_is_no_file(odd: Path, tmp_path: Path) -> None:
    folder = vaezoo.save(vaezoo.create("mlp-vae", **MODEL), tmp_path / "model")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(odd)
    with pytest.raises(VaezooError):
        vaezoo.save(vaezoo.create("mlp-vae", **MODEL), folder)


def test_a_blob_of_the_cache_and_of_a_seed(odd: Path, tmp_path: Path) -> None:
    sha256 = hashlib.sha256(b"").hexdigest()
    for place in (tmp_path / "cache/blobs", tmp_path / "seed"):
        place.mkdir(parents=True)
        (place / sha256).symlink_to(odd)
    assert Store(tmp_path / "cache", seeded=(tmp_path / "seed",)).read(sha256) is None


def test_a_file_of_settings(odd: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: it is a"):
        read_yaml(odd)
    with (tmp_path / "long.yaml").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ConfigError, match="cannot be read: it has more than"):
        read_yaml(tmp_path / "long.yaml")


@pytest.mark.parametrize("names", [[*map(str, range(20000)), "0"], ["0"] * 20000], ids=["once", "always"])
def test_a_header_that_has_a_name_twice_takes_no_quadratic_time(names: list[str]) -> None:
    tensor = json.dumps({"dtype": "F32", "shape": [0], "data_offsets": [0, 0]})
    header = "{" + ",".join(f'"{name}": {tensor}' for name in names) + "}"
    with pytest.raises(WeightsError, match="its header has '0' twice"):  # it took 130 s
        read_tensors(len(header).to_bytes(8, "little") + header.encode(), "it")


def test_a_header_that_is_too_long_is_not_parsed() -> None:
    header = b"{" + b" " * 2**25 + b"}"
    with pytest.raises(WeightsError, match="its header has 33554434 bytes, more than"):
        read_tensors(len(header).to_bytes(8, "little") + header, "it")

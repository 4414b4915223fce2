"""A run becomes weights of a package and their card, which the registry takes and verifies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

import vaezoo
from benchmarks import shelve
from vaezoo.cli.card import card
from vaezoo.data.sets import Images
from vaezoo.errors import ConfigError
from vaezoo.registry.registry import Registry
from vaezoo.release import protocol
from vaezoo.release.card import Release, release
from vaezoo.release.cards import read_cards, write_card

MODELS = "models:\n  acme-vae: {encoder: mlp, prior: normal, decoder: mlp, loss: elbo}\n"
RECORD = {
    "model": "mlp-seed",
    "recipe": {"data": {"sets": ["toy"], "binarise": False, "style": ""}, "seed": 3},
    "recipe_sha256": "a" * 64,
    "data": [{"set": "toy", "sha256": "b" * 64, "licence": "CC0-1.0", "images": 12}],
    "steps": 7,
    "hardware": "x86_64, 2 cores",
    "processes": 2,
    "cpu_seconds": 1800.0,
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a finished run, and a test set."""
    pixels = np.random.default_rng(0).integers(0, 256, size=(12, 28, 28, 1), dtype=np.uint8)
    images = Images("toy", list(pixels), "b" * 64, "CC0")
    monkeypatch.setattr(protocol, "load_test_split", lambda *_: images)
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(RECORD))
    model = vaezoo.create("mlp-seed", seed=1)
    save_file({name: tensor.clone() for name, tensor in model.state_dict().items()}, folder / "ema.safetensors")
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A stranger's package with a registry file."""
    folder = tmp_path / "vaezoo_acme"
    folder.mkdir()
    (folder / "registry.yaml").write_text("# Ours.\n" + MODELS)
    return folder


def test_a_strangers_run_becomes_weights_and_a_card(run: Path, package: Path) -> None:
    file = package / "registry.yaml"
    done = CliRunner().invoke(card, [str(run), "--tag", "mine", "--registry", str(file), "--nll", "0", "--json"])
    assert done.exit_code == 0, done.output
    written = json.loads(done.output)["mlp-seed.mine"]
    assert file.read_text().startswith("# Ours.\n" + MODELS), "what stood there stays"
    registry = Registry("acme")
    registry.add_file(file)
    found = registry.cards.get("mlp-seed.mine")
    weights = package / "weights/mlp-seed.mine.safetensors"
    assert found.urls == ("pkg://vaezoo_acme/weights/mlp-seed.mine.safetensors",)
    assert found.size_bytes == weights.stat().st_size and found.cpu_hours == 1.0 and found.seed == 3
    assert found.hardware == "x86_64, 2 cores, no GPU; processes: 2"
    assert written["scores"]["images"] == 12 and written["scores"]["elbo_nats"] < 0


def test_half_precision_halves_the_file(run: Path, package: Path) -> None:
    file = package / "registry.yaml"
    _, whole = release(run, Release("whole", nll=0), file, package)
    _, half = release(run, Release("half", nll=0, half=True), file, package)
    assert half["size_bytes"] < 0.6 * whole["size_bytes"]
    assert {str(t.dtype) for t in load_file(package / "weights/mlp-seed.half.safetensors").values()} == {
        "torch.float16"
    }
    assert list(read_cards(file)[1]) == ["mlp-seed.half", "mlp-seed.whole"]


def test_a_folder_without_a_record_is_refused(tmp_path: Path, package: Path) -> None:
    with pytest.raises(ConfigError, match="holds no record of a run"):
        release(tmp_path, Release("mine"), package / "registry.yaml", package)


def test_cards_by_hand_are_left_alone(package: Path) -> None:
    file = package / "registry.yaml"
    before = "weights: {}\n" + MODELS
    file.write_text(before)
    with pytest.raises(ConfigError, match="were written by hand"):
        write_card(file, "a.b", {})
    assert file.read_text() == before


def test_the_house_s_cards_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "registry.yaml"
    file.write_text(shelve.SHELF.read_text(encoding="utf-8"), encoding="utf-8")
    cards = read_cards(file)[1]
    write_card(file, "denoise.open", cards["denoise.open"])
    assert read_cards(file)[1] == cards
    assert yaml.safe_load(file.read_text()) == yaml.safe_load(shelve.SHELF.read_text())


def test_a_package_of_this_repository_is_named_alone() -> None:
    end = ["--registry", str(shelve.SHELF)]
    folder = str(shelve.ROOT / "plugins/vaezoo_conv")
    assert shelve.in_repository(["run", "--package", "vaezoo_conv"]) == ["run", "--package", folder, *end]
    assert shelve.in_repository(["run", "--package=vaezoo_conv"]) == ["run", "--package", folder, *end]

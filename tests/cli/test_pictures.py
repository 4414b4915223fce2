"""``vaezoo sample`` and ``vaezoo reconstruct`` from a weight file to a figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import save_file

import vaezoo
from vaezoo.cli.figure import fit
from vaezoo.cli.pictures import reconstruct, sample
from vaezoo.errors import ConfigError


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    save_file(vaezoo.create("mlp-seed", seed=0).state_dict(), tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def test_samples_fill_a_square_and_follow_the_seed(weights: Path, tmp_path: Path) -> None:
    grids = []
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        file = str(tmp_path / f"{name}.png")
        arguments = ["mlp-seed", "-n", "5", "-o", file, "--seed", seed, "--weights", str(weights)]
        result = CliRunner().invoke(sample, arguments)
        assert result.exit_code == 0 and f"5 samples -> {file}" in result.output
        grids.append(np.asarray(Image.open(file)))
    assert grids[0].shape == (2 * 86 + 2, 3 * 86 + 2)
    assert (grids[0] == grids[1]).all() and not (grids[0] == grids[2]).all()


def test_files_of_any_size_stand_above_their_reconstructions(weights: Path, tmp_path: Path) -> None:
    for name, mode, size in (("a", "RGB", (40, 30)), ("b", "L", (28, 28))):
        Image.new(mode, size).save(tmp_path / f"{name}.png")
    output = str(tmp_path / "out.png")
    files = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    arguments = ["mlp-seed", *files, "-o", output, "--weights", str(weights), "--no-difference"]
    result = CliRunner().invoke(reconstruct, arguments)
    assert result.exit_code == 0, result.exception
    grid = np.asarray(Image.open(output))[:, -174:]  # without what the rows are called
    assert grid.shape == (2 * 86 + 2, 2 * 86 + 2) and (grid[2:86, 2:86] == 0).all() and (grid[88:172, 2:86] > 0).all()


def test_a_folder_may_be_the_data(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    Image.new("L", (28, 28)).save(tmp_path / "set" / "a.png")
    arguments = ["mlp-seed", "--data", str(tmp_path / "set"), "--weights", str(weights)]
    result = CliRunner().invoke(reconstruct, [*arguments, "-o", str(tmp_path / "out.png")])
    assert result.exit_code == 0 and "1 reconstructions" in result.output


def test_files_and_data_exclude_each_other(weights: Path) -> None:
    result = CliRunner().invoke(reconstruct, ["mlp-seed", "a.png", "--data", "mnist", "--weights", str(weights)])
    assert isinstance(result.exception, ConfigError) and "got both: a.png and mnist" in str(result.exception)


def test_pictures_take_the_models_channels_and_size() -> None:
    gray, colour = vaezoo.create("mlp-seed", seed=0), vaezoo.create("denoise", seed=0)
    assert fit(torch.ones(1, 3, 50, 20), gray).allclose(torch.ones(1, 1, 28, 28), atol=1e-5)
    assert fit(torch.ones(1, 1, 5, 7), colour).shape == (1, 3, 5, 7)
    green = torch.tensor([0.0, 1, 0])[:, None, None].expand(3, 28, 28)[None]
    assert fit(green, gray).mean().item() == pytest.approx(0.587)


def test_a_model_that_restores_cannot_imagine(tmp_path: Path) -> None:
    result = CliRunner().invoke(sample, ["denoise", "-o", str(tmp_path / "a.png")])
    assert isinstance(result.exception, ConfigError)
    assert "'denoise' restores images and cannot generate any. Run vaezoo enhance" in str(result.exception)

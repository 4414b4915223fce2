"""The protocol of denoising, and scores, on pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from vaezoo_denoise.denoise import Denoise

from vaezoo.errors import ConfigError
from vaezoo.evaluate import score
from vaezoo.evaluate.restoration import average


@pytest.fixture
def pictures() -> list[Tensor]:
    return [torch.full((1, 3, 40, 50), level) for level in (0.4, 0.6)]


def test_the_noise_is_the_protocols_and_not_clipped(pictures: list[Tensor]) -> None:
    for index, x in enumerate(pictures):
        noise = np.random.RandomState(index).randn(1, 3, 40, 50).astype(np.float32)
        assert torch.allclose(Denoise.example(x, 25, index).y, x + torch.from_numpy(noise) * 25 / 255)
    y = Denoise.example(pictures[0], 200, 0).y
    assert y.min() < 0 and y.max() > 1


def test_psnr_of_the_noise_itself(pictures: list[Tensor]) -> None:
    for level in (5, 10):
        found = score(Denoise.example(pictures[0], level, 0).y, pictures[0])
        assert found["psnr_db"] == pytest.approx(20 * np.log10(255 / level), abs=0.2)
        assert set(found) == {"psnr_db", "ssim"}


def test_the_true_scale_is_found_honest(pictures: list[Tensor]) -> None:
    rows = []
    for index, x in enumerate(pictures):
        y = Denoise.example(x, 10, index).y
        rows.append(score(y, x, torch.full_like(y, 10 / 255)))
    found = average(rows)
    assert found["coverage_68"] == pytest.approx(0.683, abs=0.01)
    assert found["coverage_90"] == pytest.approx(0.9, abs=0.01)
    assert found["coverage_95"] == pytest.approx(0.95, abs=0.01)
    assert found["scale_levels"] == pytest.approx(10, abs=1e-4)
    assert found["rmse_levels"] == pytest.approx(10, abs=0.1) and found["ence"] < 0.1


def test_outputs_are_clipped_and_not_rounded() -> None:
    x = torch.zeros(1, 3, 16, 16)
    assert score(x - 0.5, x)["psnr_db"] == float("inf")
    assert score(x + 0.001, x)["psnr_db"] == pytest.approx(60, abs=1e-3)


def test_no_picture_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one picture"):
        average([])

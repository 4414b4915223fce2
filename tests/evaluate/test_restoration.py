"""The protocol, on pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from vaezoo.errors import ConfigError
from vaezoo.evaluate import evaluate_restoration, score


@pytest.fixture
def pictures() -> list[Tensor]:
    return [torch.full((1, 3, 40, 50), level) for level in (0.4, 0.6)]


def test_the_noise_is_the_protocols_and_not_clipped(pictures: list[Tensor]) -> None:
    seen: list[Tensor] = []
    evaluate_restoration(lambda y: (seen.append(y) or y, None), pictures, [25, 200])  # type: ignore[func-returns-value]
    for index in (0, 1):
        noise = np.random.RandomState(index).randn(1, 3, 40, 50).astype(np.float32)
        assert torch.allclose(seen[2 * index], pictures[index] + torch.from_numpy(noise) * 25 / 255)
    assert seen[1].min() < 0 and seen[1].max() > 1


def test_psnr_of_the_noise_itself(pictures: list[Tensor]) -> None:
    found = evaluate_restoration(lambda y: (y, None), pictures, [5, 10])
    assert found[5]["psnr_db"] == pytest.approx(20 * np.log10(255 / 5), abs=0.1)
    assert found[10]["psnr_db"] == pytest.approx(20 * np.log10(255 / 10), abs=0.1)
    assert set(found[5]) == {"psnr_db", "ssim"}


def test_the_true_scale_is_found_honest(pictures: list[Tensor]) -> None:
    found = evaluate_restoration(lambda y: (y, torch.full_like(y, 10 / 255)), pictures, [10])[10]
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
        evaluate_restoration(lambda y: (y, None), [], [25])

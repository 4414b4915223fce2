"""Degradations: the benchmark's noise bit by bit, and JPEG against a file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

from vaezoo.errors import ImageError, ShapeError
from vaezoo.image import gaussian_noise, jpeg, psnr_db

CAT = torch.from_numpy(data.chelsea()[:64, 100:180].transpose(2, 0, 1) / np.float32(255))[None]


def test_noise_is_the_benchmarks() -> None:
    x = torch.full((1, 1, 3, 4), 0.5)
    expected = 0.5 + np.random.RandomState(7).randn(1, 1, 3, 4).astype(np.float32) * (25 / 255)
    assert torch.equal(gaussian_noise(x, 25, seed=7), torch.from_numpy(expected.astype(np.float32)))


def test_noise_is_not_clipped_and_has_its_sigma() -> None:
    y = gaussian_noise(torch.zeros(1, 1, 400, 400), 50, seed=0)
    assert y.min() < 0 and y.std().item() * 255 == pytest.approx(50, rel=0.01)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_better_at_higher_quality(channels: int) -> None:
    x = CAT[:, :channels]
    scores = [psnr_db(jpeg(x, quality), x).item() for quality in (5, 30, 95)]
    assert scores == sorted(scores) and scores[0] > 15 and scores[2] > 33
    assert jpeg(x, 30).shape == x.shape and torch.equal(jpeg(x, 30) * 255, (jpeg(x, 30) * 255).round())


def test_jpeg_refuses_misuse() -> None:
    with pytest.raises(ImageError, match="Quality is 1 to 100, not 0"):
        jpeg(CAT, 0)
    with pytest.raises(ShapeError, match=r"Expected \(1, C, H, W\) with C 1 or 3, got \(3, 64, 80\)"):
        jpeg(CAT[0], 30)

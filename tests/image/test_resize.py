"""Resizing: against a direct sum over the kernel, and what it keeps."""

from __future__ import annotations

import pytest
import torch

from vaezoo.errors import ShapeError
from vaezoo.image.resize import downscale, resize, upscale


def cubic(x: float) -> float:
    x = abs(x)
    return 1.5 * x**3 - 2.5 * x**2 + 1 if x <= 1 else -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0


@pytest.mark.parametrize(("old", "new"), [(12, 6), (12, 4), (12, 3), (5, 10), (4, 12), (7, 9)])
def test_each_pixel_is_the_kernels_weighted_mean(old: int, new: int) -> None:
    row = torch.rand(old, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mirrored = torch.cat([row.flip(0), row, row.flip(0)])
    scale = new / old
    stretch = min(scale, 1.0)
    expected = []
    for index in range(new):
        centre = (index + 0.5) / scale - 0.5
        weights = [cubic((centre - (j - old)) * stretch) for j in range(3 * old)]
        expected.append(sum(w * v for w, v in zip(weights, mirrored.tolist(), strict=True)) / sum(weights))
    got = resize(row.reshape(1, 1, 1, old), (1, new)).flatten()
    torch.testing.assert_close(got, torch.tensor(expected, dtype=torch.float64))


def test_constants_and_straight_lines_stay() -> None:
    flat = torch.full((2, 3, 9, 6), 0.3)
    torch.testing.assert_close(upscale(flat, 3), torch.full((2, 3, 27, 18), 0.3))
    torch.testing.assert_close(downscale(flat, 3), torch.full((2, 3, 3, 2), 0.3))
    line = torch.arange(24.0).expand(1, 1, 8, 24)
    inner = downscale(line, 2)[0, 0, 0, 3:-3]
    torch.testing.assert_close(inner, torch.arange(12.0)[3:-3] * 2 + 0.5)
    assert resize(line, (8, 24)) is line


def test_errors_say_what_fits() -> None:
    with pytest.raises(ShapeError, match=r"Expected floats \(B, C, H, W\), got torch.uint8 \(1, 1, 2, 2\)"):
        resize(torch.zeros(1, 1, 2, 2, dtype=torch.uint8), (1, 1))
    with pytest.raises(ShapeError, match=r"sides of at least 1, got \(2, 2\) to \(0, 1\)"):
        resize(torch.zeros(1, 1, 2, 2), (0, 1))
    with pytest.raises(ShapeError, match=r"sides that 2 divides, got \(1, 1, 3, 2\)"):
        downscale(torch.zeros(1, 1, 3, 2), 2)


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (130, 65), (64, 64), (40, 129), (200, 31)])
@pytest.mark.parametrize("wanted", [(1, 1), (21, 600), (260, 130), (64, 64), (65, 128), (129, 200)])
def test_matrix_products_give_the_same_values(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *size)
    torch.testing.assert_close(resize(x, wanted, quick=True), resize(x, wanted), rtol=0, atol=2e-6)

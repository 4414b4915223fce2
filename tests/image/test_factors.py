"""Drawn factors: the grid, the place of each shape, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from vaezoo.data.factors import COUNTS, make_factors
from vaezoo.data.sets import load_images
from vaezoo.errors import ConfigError


def test_every_picture_differs_and_has_its_factors() -> None:
    pictures, factors = make_factors(32)
    assert pictures.shape == (np.prod(COUNTS), 32, 32, 1) and len(np.unique(factors, axis=0)) == len(factors)
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    assert 0 < ((pictures > 0) & (pictures < 255)).mean() < 0.2
    assert (pictures[:, [0, -1]] == 0).all() and (pictures[:, :, [0, -1]] == 0).all()


def test_factors_are_what_they_say() -> None:
    pictures, factors = make_factors(64, (2, 3, 2, 3, 4))
    share = pictures[..., 0] / 255.0
    area = share.sum((1, 2))
    across, down = (
        (share.sum(1) * (np.arange(64) + 0.5)).sum(1) / area,
        (share.sum(2) * (np.arange(64) + 0.5)).sum(1) / area,
    )
    assert across == pytest.approx(np.linspace(0.3, 0.7, 3)[factors[:, 3]] * 64, abs=0.1)
    assert down == pytest.approx(np.linspace(0.3, 0.7, 4)[factors[:, 4]] * 64, abs=0.1)
    radius = 64 * np.linspace(0.12, 0.23, 3)[factors[:, 1]]
    assert area == pytest.approx(np.where(factors[:, 0] == 0, 1.6**2, np.pi * 0.55) * radius**2, rel=0.04)


def test_they_are_a_set_by_name() -> None:
    images = load_images("factors-20", gray=True)
    assert images.pixels[0].shape == (20, 20, 1) and images.factors is not None
    assert images.sha256 == load_images("factors-20", gray=True).sha256
    assert load_images("factors-20").pixels[0].shape == (20, 20, 3)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 16 pixels a side, got 8"):
        make_factors(8)
    with pytest.raises(ConfigError, match=r"five counts of at least 1.*got \(4, 1, 1, 1, 1\)"):
        make_factors(32, (4, 1, 1, 1, 1))

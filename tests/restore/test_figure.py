"""The comparison: it is drawn for every kind of picture, and its detail is where the structure is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaezoo.errors import ImageError, ShapeError
from vaezoo.restore import draw_comparison, write_figure

BEFORE = np.random.RandomState(0).rand(300, 400, 3).astype(np.float32)
AFTER = np.full((300, 400, 3), 0.5, np.float32)
AFTER[200:280:4, 300:380] = 0.9


def test_titles_unit_and_detail() -> None:
    figure = draw_comparison(BEFORE, AFTER, np.full((300, 400), 2 / 255, np.float32))
    assert [axis.get_title() for axis in figure.axes[:3]] == ["before", "after", "uncertainty"]
    assert figure.axes[-1].get_ylabel() == "standard deviation, grey levels (of 255)"
    np.testing.assert_allclose(figure.axes[2].get_images()[0].get_array(), 2.0, rtol=1e-6)
    detail = figure.axes[4].get_images()[0].get_array()
    assert detail.shape == (96, 96, 3) and detail.max() == pytest.approx(0.9)
    frame = figure.axes[0].patches[0]
    assert 284 <= frame.get_x() <= 304 and 184 <= frame.get_y() <= 204


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 300, 3), (300, 5, 1), (40, 40, 3), (1700, 20, 1)])
def test_any_size_is_drawn(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    image = np.zeros(shape, np.float32)
    write_figure(tmp_path / "a.png", image, image, image[..., 0])
    assert Image.open(tmp_path / "a.png").width > 1000


def test_without_uncertainty_two_columns_are_drawn() -> None:
    assert len(draw_comparison(BEFORE, AFTER, None).axes) == 4


def test_misuse_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match=r"two images of one shape .*, got \(300, 400, 3\) and"):
        draw_comparison(BEFORE, AFTER[1:], None)
    with pytest.raises(ShapeError, match=r"uncertainty of shape \(300, 400\), got \(1, 2\)"):
        draw_comparison(BEFORE, AFTER, np.zeros((1, 2)))
    with pytest.raises(ImageError, match=r"The figure .*a\.nothing cannot be written: "):
        write_figure(tmp_path / "a.nothing", BEFORE, AFTER, None)

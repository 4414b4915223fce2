"""Grids: where each image lands, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaezoo.errors import ImageError, ShapeError
from vaezoo.evaluate import draw_grid, write_grid


def test_each_image_has_its_cell() -> None:
    black, gray = torch.zeros(1, 2, 3), torch.full((1, 2, 3), 0.5)
    grid = np.asarray(draw_grid([[black, gray], [gray]]))
    assert grid.shape == (2 * 4 + 2, 2 * 5 + 2)
    assert (grid[2:4, 2:5] == 0).all() and (grid[2:4, 7:10] == 128).all() and (grid[6:8, 2:5] == 128).all()
    assert (grid[6:, 7:] == 255).all() and (grid[:2] == 255).all()


def test_images_of_different_sizes_and_colours_share_a_grid() -> None:
    red = torch.tensor([1.0, 0, 0])[:, None, None].expand(3, 2, 2)
    grid = np.asarray(draw_grid([[red, torch.zeros(1, 4, 4)]], zoom=2))
    assert grid.shape == (8 + 4, 2 * 10 + 2, 3)
    assert (grid[2:6, 2:6] == [255, 0, 0]).all() and (grid[2:10, 12:20] == 0).all()


def test_values_outside_are_clipped(tmp_path: Path) -> None:
    write_grid(tmp_path / "new" / "grid.png", [[torch.full((1, 2, 2), 3.0), torch.full((1, 2, 2), -1.0)]])
    grid = np.asarray(Image.open(tmp_path / "new" / "grid.png"))
    assert grid[2, 2] == 255 and grid[2, 6] == 0


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="at least one image"):
        draw_grid([])
    with pytest.raises(ShapeError, match=r"\(1 or 3, H, W\), got \(2, 5, 5\)"):
        draw_grid([[torch.zeros(2, 5, 5)]])
    with pytest.raises(ImageError, match=r"grid\.xyz cannot be written"):
        write_grid(tmp_path / "grid.xyz", [[torch.zeros(1, 2, 2)]])
    (tmp_path / "file").touch()
    with pytest.raises(ImageError, match=r"folder .* cannot be made"):
        write_grid(tmp_path / "file" / "grid.png", [[torch.zeros(1, 2, 2)]])

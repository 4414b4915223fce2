"""Sheets: where images and words land, to the pixel, and which files are written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vaezoo.errors import ConfigError, ImageError, ShapeError
from vaezoo.figures import Sheet, check_output, write


def checks(channels: int = 1, side: int = 28) -> torch.Tensor:
    return (torch.arange(side * side).view(1, side, side) % 2).float().expand(channels, side, side)


def test_without_words_every_pixel_is_a_whole_square(tmp_path: Path) -> None:
    black = torch.zeros(1, 28, 28)
    write(tmp_path / "new/a.png", Sheet(((checks(), black), (black,))))
    grid = np.asarray(Image.open(tmp_path / "new/a.png"))
    assert grid.shape == (2 * 86 + 2, 2 * 86 + 2)
    wanted = checks()[0].numpy().repeat(3, 0).repeat(3, 1) * 255
    assert (grid[2:86, 2:86] == wanted).all() and (grid[2:86, 88:172] == 0).all() and (grid[88:, 88:] == 255).all()


def test_words_take_room_of_their_own_and_are_not_cut(tmp_path: Path) -> None:
    black = torch.zeros(3, 28, 28)
    note = "a sentence that is much longer than the two images are wide, to the end"
    sheet = Sheet(((black, black),), ("a long name\nof a row",), ("one", "two"), note)
    write(tmp_path / "a.png", sheet)
    grid = np.asarray(Image.open(tmp_path / "a.png").convert("L"))
    rows, columns = np.nonzero(grid == 0)  # the images; words are smoothed
    blocks = [np.nonzero(grid[:, column] == 0)[0].size >= 84 for column in range(grid.shape[1])]
    assert sum(blocks) == 168
    left, top = blocks.index(True), int(np.nonzero(grid[:, blocks.index(True)] == 0)[0][0])
    assert (grid[top : top + 84, left : left + 84] == 0).all()
    assert (grid[top : top + 84, : left - 4] < 128).any() and (grid[: top - 4, left:] < 128).any()
    assert (grid[top + 90 :] < 200).any()
    for edge in (grid[:3], grid[-3:], grid[:, :2], grid[:, -3:]):
        assert (edge == 255).all()
    assert rows.size and columns.size


def test_gray_files_have_one_channel_and_vectors_are_written_too(tmp_path: Path) -> None:
    write(tmp_path / "a.png", Sheet(((checks(),),)))
    write(tmp_path / "b.png", Sheet(((checks(3) * torch.tensor([1.0, 0, 0])[:, None, None],),)))
    write(tmp_path / "c.pdf", Sheet(((checks(),),)))
    assert Image.open(tmp_path / "a.png").mode == "L" and Image.open(tmp_path / "b.png").mode == "RGB"
    assert (tmp_path / "c.pdf").read_bytes().startswith(b"%PDF")


def test_a_file_is_not_replaced_unless_it_may_be(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    target.write_text("mine")
    with pytest.raises(ConfigError, match=r"a\.png exists already\. Overwrite it"):
        write(target, Sheet(((checks(),),)))
    assert target.read_text() == "mine"
    write(target, Sheet(((checks(),),)), overwrite=True)
    assert Image.open(target).size == (88, 88)


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"a\.xyz cannot be written: '\.xyz' names no format\. Known: .*png"):
        check_output(tmp_path / "a.xyz")
    with pytest.raises(ShapeError, match="at least one image"):
        Sheet(()).draw()
    with pytest.raises(ShapeError, match=r"\(1 or 3, H, W\), got \(2, 5, 5\)"):
        Sheet(((torch.zeros(2, 5, 5),),)).draw()


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, vaezoo.figures; print([m for m in ('torch', 'matplotlib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "[]"
    script = "import sys, vaezoo.figures as f; f.Sheet; f.traverse; print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout.strip() == "False"


def test_the_front_door_is_whole() -> None:
    import vaezoo.figures

    assert all(getattr(vaezoo.figures, name).__doc__ for name in vaezoo.figures.__all__)
    assert set(vaezoo.figures.__all__) <= set(dir(vaezoo.figures))
    with pytest.raises(AttributeError, match="nothing"):
        _ = vaezoo.figures.nothing

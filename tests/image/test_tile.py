"""Tiles: tiled equals whole, for every size, and memory holds one tile."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from vaezoo.errors import ConfigError
from vaezoo.image import Tiling, run_tiled


class Strided(nn.Module):
    """Pads right and bottom to its stride of 4, as models do; sees 12 pixels to each side."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(
            nn.PixelUnshuffle(4), nn.Conv2d(32, 16, 3, padding=1), nn.Tanh(), nn.Conv2d(16, 16, 3, padding=1),
            nn.Tanh(), nn.Conv2d(16, 48, 3, padding=1), nn.PixelShuffle(4),
        )  # fmt: skip

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        height, width = image.shape[-2:]
        padded = nn.functional.pad(image, (0, -width % 4, 0, -height % 4), mode="replicate")
        out = self.net(padded)[..., :height, :width]
        return out[:, :2], out[:, 2:].exp()


TILING = Tiling(tile=64, overlap=32, margin=12, stride=4)


@pytest.mark.parametrize(
    ("height", "width"),
    [(200, 151), (1, 1), (1, 300), (63, 64), (64, 64), (65, 64), (65, 65), (97, 130), (128, 33)],
)
def test_tiled_equals_whole(height: int, width: int) -> None:
    torch.set_num_threads(1)
    image = torch.rand(1, 2, height, width, generator=torch.Generator().manual_seed(1))
    net = Strided()
    with torch.no_grad():
        whole = net(image)
        tiled = run_tiled(lambda tile, _: net(tile), image, TILING)
    for one, other in zip(whole, tiled, strict=True):
        assert one.shape == other.shape and torch.allclose(one, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("factor", [2, 3])
def test_what_is_made_larger_is_joined_alike(factor: int) -> None:
    image, net = torch.rand(1, 2, 130, 97), Strided()

    def larger(tile: Tensor) -> tuple[Tensor, ...]:
        return tuple(m.repeat_interleave(factor, 2).repeat_interleave(factor, 3) for m in net(tile))

    with torch.no_grad():
        whole, tiled = larger(image), run_tiled(lambda tile, _: larger(tile), image, TILING)
    for one, other in zip(whole, tiled, strict=True):
        assert one.shape == other.shape and other.shape[2:] == (130 * factor, 97 * factor)
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


def test_a_map_of_one_tile_is_no_view_of_the_image() -> None:
    image, seen = torch.rand(1, 2, 20, 30), list[tuple[int, int]]()
    joined = run_tiled(lambda tile, _: (tile, tile.double()), image, TILING, lambda *done: seen.append(done))
    assert all(m.dtype == torch.float32 and torch.equal(m, image) for m in joined) and seen == [(1, 1)]
    joined[0].zero_()
    assert image.sum() > 0


def test_too_small_a_margin_is_seen() -> None:
    """The test above can fail: without a margin the cut edges show."""
    image, net = torch.rand(1, 2, 130, 130), Strided()
    with torch.no_grad():
        difference = run_tiled(lambda tile, _: net(tile), image, Tiling(64, 16, 0, 4))[0] - net(image)[0]
    assert difference.abs().max() > 1e-3


def test_no_tile_is_larger_than_asked_and_origins_are_aligned() -> None:
    for size in range(1, 400):
        spans = TILING.spans(size)
        assert spans[0][0] == 0 and spans[-1][1] == size
        assert all(start % 4 == 0 and 0 < stop - start <= 64 for start, stop in spans)
        assert all(b[0] == a[1] - 32 for a, b in itertools.pairwise(spans))


@pytest.mark.parametrize("tiling", [TILING, Tiling(64, 32, 16, 4), Tiling(64, 0, 0, 4), Tiling(64, 32, 0, 4)])
def test_weights_sum_to_one(tiling: Tiling) -> None:
    for size in range(1, 300, 7):
        total = torch.zeros(size)
        for span in tiling.spans(size):
            total[slice(*span)] += tiling.window(span, size)
        assert torch.allclose(total, torch.ones(size), atol=1e-6)


def test_tiles_are_nearly_equal() -> None:
    assert Tiling(512, 64, 24, 8).spans(520) == [(0, 296), (232, 520)]


def test_progress_counts_tiles() -> None:
    seen: list[tuple[int, int]] = []
    run_tiled(lambda tile, _: [tile], torch.zeros(1, 1, 100, 64), TILING, lambda *now: seen.append(now))
    assert seen == [(done, len(seen)) for done in range(1, len(seen) + 1)] and len(seen) > 1


def test_process_sees_one_tile_at_a_time() -> None:
    shapes: list[torch.Size] = []

    def process(tile: Tensor, _: tuple[int, int]) -> list[Tensor]:
        shapes.append(tile.shape)
        return [tile, tile[:, :1]]

    image = torch.rand(2, 3, 150, 90)
    same, first = run_tiled(process, image, TILING)
    assert max(max(shape[-2:]) for shape in shapes) <= 64
    assert torch.allclose(same, image, atol=1e-6) and first.shape == (2, 1, 150, 90)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0, 0, 0, 1), "must be positive"),
        ((64, -1, 0, 1), "not negative"),
        ((64, 30, 0, 4), "multiples of the stride"),
        ((64, 32, 17, 1), "Twice the margin must fit in the overlap"),
        ((64, 33, 0, 1), "that twice in the tile"),
    ],
)
def test_misfits_are_refused(numbers: tuple[int, int, int, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Tiling(*numbers)


def test_fitting_aligns_and_refuses_what_is_too_small() -> None:
    assert Tiling.fitting(1000, 16) == Tiling(992, 128, 48, 16)
    assert Tiling.fitting(70, 8) == Tiling(64, 32, 12, 8)
    with pytest.raises(ConfigError, match="tiles have at least 32 pixels, not 31"):
        Tiling.fitting(31, 8)

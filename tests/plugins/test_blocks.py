"""The blocks of the ladder: what they give at the start, how far they reach and what they cost; models of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from vaezoo_ladder.blocks import KINDS, Block, MergedConv, Recurrent, chain, local_mean
from vaezoo_ladder.facts import BLOCKS

from vaezoo import create
from vaezoo.core import VAE
from vaezoo.errors import ConfigError, IncompatibleParts
from vaezoo.inspection.cost import Counter
from vaezoo.testing import ModelContract
from vaezoo.testing.model import stirred
from vaezoo.zoo.probe import probe

SMALL = {"widths": [8, 12], "latents": [2, 2], "evidence": [4, 4], "blocks": 2, "tells": True}
MACS = {
    "residual": lambda w: 18 * w * w,
    "merged": lambda w: 18 * w * w,
    "gated": lambda w: 3 * w * w + 18 * w,
    "large-kernel": lambda w: 8 * w * w + 49 * w,
    "attention": lambda w: 18 * w * w + w * w // 2,
}


class TestGated(ModelContract):
    model = "denoise"
    params = {"widths": [8, 12, 16], "blocks": 1, "block": "gated"}


class TestLargeKernelAgainAndAgain(ModelContract):
    model = "denoise"
    params = {"widths": [8, 12, 16], "blocks": 2, "block": "large-kernel", "recurrent": True}


class TestAttentionFromAQuarterOn(ModelContract):
    model = "denoise"
    params = {"widths": [8, 12, 16], "blocks": 1, "block": "attention", "unshuffle": 4}


class TestMerged(ModelContract):
    model = "denoise"
    params = {"widths": [8, 12, 16], "blocks": 1, "block": "merged"}


def block_of(kind: str, width: int = 8) -> Block:
    torch.manual_seed(0)
    block = KINDS[kind](width)
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return block.eval()


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("size", [(1, 1), (3, 40), (17, 16)])
@torch.no_grad()
def test_a_block_keeps_any_size_and_starts_as_identity_where_it_is_told_to(kind: str, size: tuple[int, int]) -> None:
    block, x = block_of(kind), torch.randn(2, 8, *size)
    assert block(x).shape == x.shape and not torch.equal(block(x), x)
    block.start_as_identity()
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("kind", BLOCKS)
@torch.no_grad()
def test_a_block_reaches_as_far_as_it_says_and_no_further(kind: str) -> None:
    block, x = block_of(kind), torch.randn(1, 8, 41, 41)
    changed = x.clone()
    changed[..., 20, 20] += 1
    apart = (block(changed) - block(x)).abs().amax((0, 1))
    rows, columns = (apart > 0).nonzero().T
    for places in (rows, columns):
        assert (places.min(), places.max()) == (20 - block.reach, 20 + block.reach)


@torch.no_grad()
def test_a_merged_convolution_is_the_sum_of_its_branches() -> None:
    torch.manual_seed(0)
    conv, x = MergedConv(8, 8), torch.randn(2, 8, 9, 7)
    torch.nn.init.normal_(conv.own)
    branches = conv.wide(x) + conv.narrow(x) + conv.own[:, None, None] * x
    torch.testing.assert_close(conv(x), branches, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["residual", "merged"])
@torch.no_grad()
def test_a_large_state_in_one_frame_is_worked_on_as_in_copies(kind: str) -> None:
    torch.manual_seed(0)
    blocks, x = chain(4, 3, kind), torch.randn(1, 4, 200, 170)
    with torch.enable_grad():
        copies = blocks(x.requires_grad_()).detach()
    torch.testing.assert_close(blocks(x.detach()), copies, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", BLOCKS)
@torch.no_grad()
def test_a_block_costs_what_its_docstring_says(kind: str) -> None:
    with Counter() as counter:
        block_of(kind, 16)(torch.randn(1, 16, 10, 12))
    assert counter.macs == 120 * MACS[kind](16)


def test_a_residual_block_is_its_formula() -> None:
    block, x = block_of("residual"), torch.randn(1, 8, 6, 5)

    def conv(layer: torch.nn.Conv2d, value: torch.Tensor) -> torch.Tensor:
        return F.conv2d(F.pad(value, (1, 1, 1, 1), mode="replicate"), layer.weight, layer.bias)

    first, second, gain = block.first, block.second, block.gain  # type: ignore[attr-defined]
    torch.testing.assert_close(block(x), x + gain * conv(second, conv(first, x).relu()))


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (17, 16)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_without_gradients_a_chain_gives_the_same_in_one_frame(
    size: tuple[int, int], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaezoo_ladder.blocks.LARGE", 1)
    blocks, x = chain(8, 3), torch.randn(2, 8, *size)
    for parameter in blocks.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    kept = x.clone()
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        padded = blocks(x)
        with torch.no_grad(), Counter() as counter:
            framed = blocks(x)
    assert padded.grad_fn is not None and framed.is_contiguous() and framed.dtype == padded.dtype == torch.float32
    assert counter.macs == 2 * 3 * 18 * 8 * 8 * (size[0] + 2) * (size[1] + 2)  # so it was the frame
    torch.testing.assert_close(framed, padded, atol=1e-5 if dtype == torch.float32 else 0.05, rtol=1e-5)
    assert torch.equal(x, kept)


def test_a_gated_block_is_its_formula() -> None:
    block, x = block_of("gated"), torch.randn(1, 8, 6, 5)
    wide = F.conv2d(x, block.first.weight, block.first.bias)  # type: ignore[attr-defined]
    wide = F.pad(wide, (1, 1, 1, 1), mode="replicate")
    around = F.conv2d(wide, block.around.weight, block.around.bias, groups=16)  # type: ignore[attr-defined]
    product = around[:, :8] * around[:, 8:]
    found = F.conv2d(product, block.second.weight, block.second.bias)  # type: ignore[attr-defined]
    torch.testing.assert_close(block(x), x + block.gain * found)  # type: ignore[attr-defined]


def test_the_local_mean_is_of_what_lies_inside() -> None:
    x = torch.randn(2, 3, 11, 9, dtype=torch.float64)
    found = local_mean(x, 5)
    for row, column in ((0, 0), (5, 4), (10, 3), (1, 8)):
        window = x[..., max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3]
        torch.testing.assert_close(found[..., row, column], window.mean((2, 3)))


def test_recurrent_blocks_are_a_chain_with_one_blocks_weights() -> None:
    once, x = chain(8, 3, "gated", recurrent=True), torch.randn(1, 8, 7, 7)
    thrice = chain(8, 3, "gated")
    assert isinstance(once, Recurrent)
    for block in thrice.children():
        block.load_state_dict(once.block.state_dict())
    torch.testing.assert_close(once(x), thrice(x))
    sizes = [sum(p.numel() for p in each.parameters()) for each in (once, thrice)]
    assert 3 * sizes[0] == sizes[1]
    assert list(chain(8, 0, recurrent=True).parameters()) == []


def whole(params: dict[str, Any]) -> VAE:
    model = create("denoise", seed=0, **SMALL, **params).eval()
    stirred(model)
    return model


@pytest.mark.parametrize("unshuffle", [2, 4])
@pytest.mark.parametrize("kind", BLOCKS)
@torch.no_grad()
def test_a_tile_is_the_whole_beyond_the_field(kind: str, unshuffle: int) -> None:
    """A level's cells of u and 2u pixels; on each two blocks down and two up, and a 3×3 before and after them."""
    model, reach = whole({"block": kind, "unshuffle": unshuffle}), block_of(kind).reach
    assert model.stride == 2 * unshuffle
    field = unshuffle * (1 + 4 * reach + 2 * 4 * reach + 1) + model.stride
    field = -(-field // model.stride) * model.stride
    y = torch.rand(1, 3, 16, field + 64)
    y[..., :8] += 1  # what the tile does not see
    cut, sigma = 16, torch.tensor([0.1])
    full = model.restore(y, {"sigma": sigma})
    tile = model.restore(y[..., cut:], {"sigma": sigma})
    for seen, expected in ((tile.image, full.image), (tile.scale, full.scale)):
        torch.testing.assert_close(seen[..., field:], expected[..., cut + field :], rtol=0, atol=2e-6)


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("unshuffle", [2, 4])
def test_a_model_takes_any_size(kind: str, unshuffle: int) -> None:
    model = whole({"block": kind, "unshuffle": unshuffle, "recurrent": True})
    for size in ((1, 1), (13, 30)):
        y = torch.rand(1, 3, *size)
        assert model.restore(y).image.shape == y.shape and model.restore(y, samples=1).average.shape == y.shape


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="Expected block as one of residual, merged, gated, large-kernel, attention, got 'x'"
    ):
        create("denoise", block="x")
    with pytest.raises(ConfigError, match="Expected unshuffle as 1, 2 or 4, got 3"):
        create("denoise", unshuffle=3)


def test_parts_must_agree_on_the_finest_cells() -> None:
    with pytest.raises(IncompatibleParts, match="stride"):
        create("denoise", overrides=["decoder.unshuffle=4"])


@pytest.mark.parametrize("name", ["denoise", "denoise-small", "dejpeg", "sr"])
def test_the_weights_that_ship_give_what_they_gave(name: str) -> None:
    """To a hundredth of the tolerance that their cards allow for other machines."""
    model = create(name, pretrained=True)
    assert not any(type(module) is not KINDS["residual"] for module in model.modules() if isinstance(module, Block))
    torch.testing.assert_close(probe(model), model.origin.weights.card.probe, rtol=0, atol=2e-5)

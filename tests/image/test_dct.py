"""The cosine transform against its definition, a double sum."""

from __future__ import annotations

import math

import pytest
import torch

from vaezoo.image.compression.dct import dct, from_blocks, inverse_dct, to_blocks


def test_the_transform_is_its_double_sum() -> None:
    block = torch.randn(8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def coefficient(u: int, v: int) -> float:
        waves = [
            float(block[y, x])
            * math.cos((2 * y + 1) * u * math.pi / 16)
            * math.cos((2 * x + 1) * v * math.pi / 16)
            for y in range(8)
            for x in range(8)
        ]  # fmt: skip
        return sum(waves) / 4 * (math.sqrt(0.5) if u == 0 else 1) * (math.sqrt(0.5) if v == 0 else 1)

    found = dct(block)
    for u in range(8):
        for v in range(8):
            assert float(found[u, v]) == pytest.approx(coefficient(u, v), abs=1e-12)
    assert torch.allclose(inverse_dct(found), block)


def test_blocks_are_cut_and_joined() -> None:
    plane = torch.arange(16 * 24.0).reshape(16, 24)
    blocks = to_blocks(plane)
    assert blocks.shape == (2, 3, 8, 8) and torch.equal(blocks[1, 2], plane[8:, 16:])
    assert torch.equal(from_blocks(blocks), plane)

"""Noise: seeded, alike however samples are chunked, and one field for all tiles."""

from __future__ import annotations

import pytest
import torch

from vaezoo.core import Noise
from vaezoo.core.noise import Field
from vaezoo.errors import ConfigError

LIKE = torch.zeros(())


def test_a_seed_settles_it_and_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    one, two = (Noise(seed=4).normal((2, 3, 5), LIKE) for _ in range(2))
    assert torch.equal(one, two) and torch.equal(before, torch.get_rng_state())
    assert not torch.equal(one, Noise(seed=5).normal((2, 3, 5), LIKE))
    assert not torch.equal(one, Noise(seed=4).normal((2, 3, 5), LIKE, level=1))


@pytest.mark.parametrize("seed", [-3, 0, 2**63])
def test_any_seed_will_do(seed: int) -> None:
    assert Noise(seed=seed).normal((1, 1, 5), LIKE).isfinite().all()


def test_chunks_do_not_matter() -> None:
    whole = Noise(seed=4).normal((6, 2, 5), LIKE)
    chunks = [Noise(seed=4).at(2).at(i).normal((2, 2, 5), LIKE) for i in (0, 2)]
    assert torch.equal(whole[2:], torch.cat(chunks))


def test_it_is_standard_normal_and_scaled_by_the_temperature() -> None:
    drawn = Noise(seed=0).normal((1, 1, 50_000), LIKE)
    assert abs(float(drawn.mean())) < 0.02 and float(drawn.std()) == pytest.approx(1, abs=0.02)
    torch.testing.assert_close(Noise(0.5, seed=0).normal((1, 1, 50_000), LIKE), 0.5 * drawn)
    assert not Noise(0).normal((1, 1, 9), LIKE).any()


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_tiles_see_parts_of_one_field(stride: int) -> None:
    height, width = 24, 32
    noise = Noise(seed=1)
    whole = noise.normal((2, 1, 3, height // stride, width // stride), LIKE, stride=stride)
    tile = noise.crop(Field(8, 12, height, width)).normal((2, 1, 3, 8 // stride, 20 // stride), LIKE, stride=stride)
    top, left = 8 // stride, 12 // stride
    assert torch.equal(tile, whole[..., top : top + 8 // stride, left : left + 20 // stride])


def test_vectors_have_no_place() -> None:
    assert torch.equal(
        Noise(seed=1).crop(Field(8, 8, 64, 64)).normal((2, 1, 3), LIKE), Noise(seed=1).normal((2, 1, 3), LIKE)
    )


def test_in_pairs_every_other_one_is_the_mirror_of_the_one_before() -> None:
    single, pairs = Noise(seed=4).normal((3, 2, 5), LIKE), Noise(0.5, seed=4, paired=True).normal((6, 2, 5), LIKE)
    assert torch.equal(pairs[::2], 0.5 * single) and torch.equal(pairs[1::2], -0.5 * single)
    assert torch.equal(Noise(0.5, seed=4, paired=True).at(3).normal((2, 2, 5), LIKE), pairs[3:5])
    with pytest.raises(ConfigError, match="a seed for noise in pairs, got none"):
        Noise(paired=True)


def test_borders() -> None:
    with pytest.raises(ConfigError, match="temperature of at least 0, got -1"):
        Noise(temperature=-1)
    with pytest.raises(ConfigError, match="Expected a seed for the noise of a tile"):
        Noise().crop(Field(0, 0, 8, 8))

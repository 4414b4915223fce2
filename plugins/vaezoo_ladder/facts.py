"""What the ladder's parts say of themselves, without torch. ``widths`` and ``latents`` run fine to coarse."""

from __future__ import annotations

from vaezoo.core.facts import (
    ConditionerFacts,
    DecoderFacts,
    EncoderFacts,
    Grid,
    PriorFacts,
    check_modulate,
    check_widths,
    likelihood_fact,
)
from vaezoo.errors import ConfigError

WIDTHS, LATENTS, EVIDENCE = (48, 72, 96), (4, 6, 8), (16, 24, 32)
"""The S size: 1.3 M parameters."""

BLOCKS, UNSHUFFLES = ("residual", "merged", "gated", "large-kernel", "attention"), (1, 2, 4)
"""Kinds of blocks, see `vaezoo_ladder.blocks`, and pixels a side that the finest cells may have."""

FACTORS = (2, 3, 4)
"""How many times as large as its input a ladder that enlarges can make a picture."""

TOP_WIDTHS, TOP_LATENTS, DEPTHS, SIZE = (16, 32), (2, 8), (1, 3), (28, 28)
"""The ladder that generates: channels, latents and levels per scale, fine to coarse."""


def grids(widths: tuple[int, ...], finest: int = 2) -> tuple[Grid, ...]:
    """Returns the pyramid's grids, coarse to fine; the finest level's stride is ``finest``."""
    return tuple(Grid(width, finest * 2**level) for level, width in reversed(list(enumerate(widths))))


def conditioner(
    image_channels: int = 3,
    widths: tuple[int, ...] = WIDTHS,
    blocks: int = 2,
    tells: bool = False,
    finest_blocks: int | None = None,
    block: str = "residual",
    recurrent: bool = False,
    unshuffle: int = 2,
) -> ConditionerFacts:
    """Facts of :class:`vaezoo_ladder.networks.PyramidConditioner`."""
    check_widths("widths", widths)
    _check_kind(block, unshuffle)
    return ConditionerFacts(image_channels, gives_image=True, features=grids(tuple(widths), unshuffle))


def encoder(image_channels: int = 3, evidence: tuple[int, ...] = EVIDENCE, unshuffle: int = 2) -> EncoderFacts:
    """Facts of :class:`vaezoo_ladder.networks.PyramidEncoder`."""
    check_widths("evidence", evidence)
    _check_kind("residual", unshuffle)
    return EncoderFacts("pyramid", grids(tuple(evidence), unshuffle), image_channels, needs_image=True)


def prior(
    widths: tuple[int, ...] = WIDTHS,
    latents: tuple[int, ...] = LATENTS,
    evidence: tuple[int, ...] = EVIDENCE,
    blocks: int = 2,
    block: str = "residual",
    recurrent: bool = False,
    unshuffle: int = 2,
    detail: int = 0,
) -> PriorFacts:
    """Facts of :func:`vaezoo_ladder.networks.ladder_prior`."""
    for name, numbers in (("widths", widths), ("latents", latents), ("evidence", evidence)):
        check_widths(name, numbers, least=len(widths) or 1)
    _check_kind(block, unshuffle)
    if detail < 0:
        raise ConfigError(f"Expected detail as channels, 0 for no branch, got {detail}.", value=detail)
    believed, known = (grids(tuple(numbers), unshuffle) for numbers in (evidence, widths))
    return PriorFacts(frozenset({"pyramid"}), believed, known[-1], features=known, detail=detail > 0)


def decoder(image_channels: int = 3, widths: tuple[int, ...] = WIDTHS, unshuffle: int = 2) -> DecoderFacts:
    """Facts of :class:`vaezoo_ladder.networks.ResidualDecoder`."""
    check_widths("widths", widths)
    _check_kind("residual", unshuffle)
    return DecoderFacts(Grid(widths[0], unshuffle), "gaussian", image_channels, needs_image=True)


def _check_kind(block: str, unshuffle: int) -> None:
    if block not in BLOCKS:
        raise ConfigError(f"Expected block as one of {', '.join(BLOCKS)}, got {block!r}.", value=block)
    if unshuffle not in UNSHUFFLES:
        raise ConfigError(f"Expected unshuffle as 1, 2 or 4, got {unshuffle}.", value=unshuffle)


def enlarging(
    image_channels: int = 3,
    widths: tuple[int, ...] = WIDTHS,
    blocks: int = 2,
    finest_blocks: int | None = None,
    block: str = "residual",
    factors: tuple[int, ...] = FACTORS,
) -> ConditionerFacts:
    """Facts of :class:`vaezoo_ladder.enlarge.EnlargingConditioner`."""
    check_widths("widths", widths)
    _check_kind(block, 1)
    able = _check_factors(factors)
    return ConditionerFacts(image_channels, gives_image=True, features=grids(tuple(widths), 1), enlarges=able)


def folding(
    image_channels: int = 3, evidence: tuple[int, ...] = EVIDENCE, factors: tuple[int, ...] = FACTORS
) -> EncoderFacts:
    """Facts of :class:`vaezoo_ladder.enlarge.FoldingEncoder`."""
    check_widths("evidence", evidence)
    able = _check_factors(factors)
    return EncoderFacts("pyramid", grids(tuple(evidence), 1), image_channels, needs_image=True, enlarges=able)


def enlarged(
    image_channels: int = 3, widths: tuple[int, ...] = WIDTHS, factors: tuple[int, ...] = FACTORS
) -> DecoderFacts:
    """Facts of :class:`vaezoo_ladder.enlarge.EnlargingDecoder`."""
    check_widths("widths", widths)
    able = _check_factors(factors)
    return DecoderFacts(Grid(widths[0], 1), "gaussian", image_channels, needs_image=True, enlarges=able)


def _check_factors(factors: tuple[int, ...]) -> tuple[int, ...]:
    check_widths("factors", factors, least=1)
    if min(factors) < 2 or len(set(factors)) < len(factors):
        raise ConfigError(
            f"Expected factors as different whole numbers of at least 2, got {list(factors)}.", value=tuple(factors)
        )
    return tuple(factors)


def levels(widths: tuple[int, ...], depths: tuple[int, ...]) -> tuple[Grid, ...]:
    """Returns the evidence of each level, coarse to fine, with as many levels a scale as ``depths`` says."""
    many = reversed(tuple(depths))
    return tuple(grid for grid, depth in zip(grids(widths), many, strict=True) for _ in range(depth))


def bottom_up(
    image_channels: int = 3,
    widths: tuple[int, ...] = TOP_WIDTHS,
    depths: tuple[int, ...] = DEPTHS,
    blocks: int = 2,
    squeeze: int = 1,
    dropout: float = 0.0,
    context_vector: int = 0,
    modulate: str = "film",
) -> EncoderFacts:
    """Facts of :class:`vaezoo_ladder.topdown.BottomUpEncoder`."""
    asked = (
        *(depth or 1 for depth in depths[:-1]),
        *depths[-1:],
    )  # a finer scale without a level leads down all the same
    _check_scales(dropout, squeeze, widths=widths, depths=asked)
    check_modulate(modulate, context_vector or 1, ("film", "adain"))
    return EncoderFacts("pyramid", levels(tuple(widths), tuple(depths)), image_channels, vector=context_vector)


def top_down(
    widths: tuple[int, ...] = TOP_WIDTHS,
    latents: tuple[int, ...] = TOP_LATENTS,
    depths: tuple[int, ...] = DEPTHS,
    squeeze: int = 1,
    dropout: float = 0.0,
    image_size: tuple[int, int] = SIZE,
    context_vector: int = 0,
    modulate: str = "film",
) -> PriorFacts:
    """Facts of :func:`vaezoo_ladder.topdown.top_down_prior`."""
    _check_scales(dropout, squeeze, widths=widths, latents=latents, depths=depths)
    check_modulate(modulate, context_vector or 1, ("film", "adain"))
    evidence = levels(tuple(widths), tuple(depths))
    return PriorFacts(frozenset({"pyramid"}), evidence, Grid(widths[0], 2), vector=context_vector)


def shuffle(
    image_channels: int = 3,
    widths: tuple[int, ...] = TOP_WIDTHS,
    likelihood: str = "bernoulli",
    scale: float | str = "learned",
) -> DecoderFacts:
    """Facts of :class:`vaezoo_ladder.topdown.ShuffleDecoder`."""
    check_widths("widths", widths)
    return DecoderFacts(Grid(widths[0], 2), likelihood_fact(likelihood, scale), image_channels)


def _check_scales(dropout: float, squeeze: int, **numbers: tuple[int, ...]) -> None:
    for name, values in numbers.items():
        check_widths(name, values)
    counts = {name: len(values) for name, values in numbers.items()}
    if len(set(counts.values())) > 1:
        raise ConfigError(f"Expected one number a scale, the same count of each, got {counts}.", value=counts)
    if squeeze < 1:
        raise ConfigError(f"Expected a squeeze of at least 1, got {squeeze}.", value=squeeze)
    if not 0 <= dropout < 1:
        raise ConfigError(f"Expected a dropout in [0, 1), got {dropout}.", value=dropout)

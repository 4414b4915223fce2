"""What the codebook priors say of themselves, without torch."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from vaezoo.core.facts import Grid, PriorFacts, check_widths
from vaezoo.errors import ConfigError, IncompatibleParts

WIDTHS, DEPTHS = (32, 48, 64), (0, 1, 1)
"""Channels and codebooks of each scale, fine to coarse, from stride 2: one codebook at stride 4, one at stride 8."""


def check_codebook(entries: int, learn: str, commitment: float, decay: float, revive: float) -> None:
    """Refuses a codebook that cannot be learnt.

    Raises:
        ConfigError: A setting is outside its range.
    """
    if entries < 2:
        raise ConfigError(f"Expected a codebook of at least 2 entries, got {entries}.", value=entries)
    if learn not in ("ema", "gradient"):
        raise ConfigError(f"Expected learn to be 'ema' or 'gradient', got {learn!r}.", value=learn)
    if not (commitment >= 0 and 0 <= decay < 1 and 0 <= revive < 1):
        came = f"{commitment}, {decay} and {revive}"
        raise ConfigError(
            f"Expected commitment >= 0, and decay and revive from 0 to below 1, got {came}.",
            value=(commitment, decay, revive),
        )


def check_share(latent_channels: int, groups: int) -> None:
    """Refuses channels that cannot be dealt out to groups equally.

    Raises:
        ConfigError: They cannot.
    """
    if groups < 1 or latent_channels % groups:
        raise ConfigError(
            f"Expected groups to divide the {latent_channels} latent channels, got {groups}.", value=groups
        )


def check_depth(depth: int) -> None:
    """Refuses a residual codebook without a level.

    Raises:
        ConfigError: There is none.
    """
    if depth < 1:
        raise ConfigError(f"Expected a depth of at least 1, got {depth}.", value=depth)


def check_levels(latent_channels: int, levels: Sequence[int]) -> None:
    """Refuses levels that are not one number of at least 2 for each latent channel.

    Raises:
        ConfigError: They are not.
    """
    if len(levels) != latent_channels or min(levels, default=0) < 2:
        raise ConfigError(
            f"Expected levels as {latent_channels} numbers of at least 2, one for each latent channel, got "
            f"{list(levels)}.",
            hint="Set the encoder's latent_channels or the prior's levels.",
            value=tuple(levels),
        )


def _facts(latent_channels: int, latent_stride: int | None) -> PriorFacts:
    grid = Grid(latent_channels, latent_stride)
    return PriorFacts(frozenset({"gaussian", "dirac"}), (grid,), grid, rates_points=True)


def vq(
    latent_channels: int,
    latent_stride: int | None = None,
    entries: int = 256,
    learn: str = "ema",
    commitment: float = 0.25,
    decay: float = 0.99,
    revive: float = 0.05,
) -> PriorFacts:
    """Facts of :class:`vaezoo_codebook.vector.VQPrior`."""
    check_codebook(entries, learn, commitment, decay, revive)
    return _facts(latent_channels, latent_stride)


def residual_vq(
    latent_channels: int,
    latent_stride: int | None = None,
    depth: int = 4,
    entries: int = 256,
    learn: str = "ema",
    commitment: float = 0.25,
    decay: float = 0.99,
    revive: float = 0.05,
) -> PriorFacts:
    """Facts of :class:`vaezoo_codebook.vector.ResidualVQPrior`."""
    check_depth(depth)
    check_codebook(entries, learn, commitment, decay, revive)
    return _facts(latent_channels, latent_stride)


def product_vq(
    latent_channels: int,
    latent_stride: int | None = None,
    groups: int = 2,
    entries: int = 256,
    learn: str = "ema",
    commitment: float = 0.25,
    decay: float = 0.99,
    revive: float = 0.05,
    rotate: bool = False,
) -> PriorFacts:
    """Facts of :class:`vaezoo_codebook.vector.ProductVQPrior`."""
    check_share(latent_channels, groups)
    check_codebook(entries, learn, commitment, decay, revive)
    return _facts(latent_channels, latent_stride)


def check_scales(widths: Sequence[int], depths: Sequence[int], code_channels: int) -> None:
    """Refuses scales that do not fit each other, a coarsest one without a codebook, and codes without channels.

    Raises:
        ConfigError: They do not.
    """
    check_widths("widths", widths)
    check_widths("code_channels", (code_channels,))
    if len(depths) != len(widths) or min(depths) < 0 or depths[-1] < 1:
        raise ConfigError(
            f"Expected depths as {len(widths)} numbers of at least 0, one for each width, the last at least 1, got "
            f"{list(depths)}.",
            value=tuple(depths),
        )


def codebooks(
    widths: tuple[int, ...] = WIDTHS,
    depths: tuple[int, ...] = DEPTHS,
    code_channels: int = 16,
    entries: int = 256,
    learn: str = "ema",
    commitment: float = 0.25,
    decay: float = 0.99,
    revive: float = 0.05,
) -> PriorFacts:
    """Facts of :func:`vaezoo_codebook.scales.codebooks_prior`."""
    check_scales(widths, depths, code_channels)
    check_codebook(entries, learn, commitment, decay, revive)
    many = list(zip(widths, depths, range(1, len(widths) + 1), strict=True))
    grids = tuple(Grid(width, 2**power) for width, depth, power in reversed(many) for _ in range(depth))
    return PriorFacts(frozenset({"pyramid"}), grids, grids[-1], rates_points=True)


def fsq(
    latent_channels: int,
    latent_stride: int | None = None,
    levels: tuple[int, ...] = (8, 5, 5, 5),
    gain: float = 1.0,
) -> PriorFacts:
    """Facts of :class:`vaezoo_codebook.scalar.FSQPrior`."""
    check_levels(latent_channels, levels)
    return _facts(latent_channels, latent_stride)


def residual_fsq(
    latent_channels: int,
    latent_stride: int | None = None,
    levels: tuple[int, ...] = (5, 5, 5, 5),
    depth: int = 2,
    gain: float = 1.0,
) -> PriorFacts:
    """Facts of :class:`vaezoo_codebook.scalar.ResidualFSQPrior`."""
    check_levels(latent_channels, levels)
    check_depth(depth)
    return _facts(latent_channels, latent_stride)


BOOKS = {
    "vq": "vaezoo_codebook.vector:VQPrior",
    "residual-vq": "vaezoo_codebook.vector:ResidualVQPrior",
    "product-vq": "vaezoo_codebook.vector:ProductVQPrior",
    "fsq": "vaezoo_codebook.scalar:FSQPrior",
    "residual-fsq": "vaezoo_codebook.scalar:ResidualFSQPrior",
}
"""The priors whose codes lie on one grid, and their classes."""

_FACTS: dict[str, Callable[..., PriorFacts]] = {
    "vq": vq,
    "residual-vq": residual_vq,
    "product-vq": product_vq,
    "fsq": fsq,
    "residual-fsq": residual_fsq,
}


def codebook_told(around: str) -> tuple[str, dict[str, Any]]:
    """Returns name and options of a codebook prior: of ``vq(entries=64)``, ``("vq", {"entries": 64})``.

    Raises:
        IncompatibleParts: The name is no codebook prior's.
        ConfigError: The text cannot be read, or the prior has no such option.
    """
    name, bracket, rest = around.partition("(")
    name = name.rpartition("/")[2].strip()
    if name not in BOOKS:
        raise IncompatibleParts(
            f"The prior 'autoregressive' is over the codes of one grid, which {', '.join(BOOKS)} have; the prior "
            f"{name!r} has none.",
            hint="Fit a mixture or a flow where there are no codes.",
            value=around,
        )
    try:
        call = ast.parse(f"f({rest}" if bracket else "f()", mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError(rest)
        options = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
        inspect.signature(_FACTS[name]).bind(1, None, **options)
    except (SyntaxError, ValueError, TypeError) as error:
        takes = ", ".join(list(inspect.signature(_FACTS[name]).parameters)[2:])
        raise ConfigError(
            f"Expected around as {name}(key=value) with options {takes}, got {around!r}.", value=around
        ) from error
    return name, options


def check_masked(width: int, layers: int, reach: int) -> None:
    """Refuses a network without channels, layers or reach.

    Raises:
        ConfigError: One is below 1.
    """
    if min(width, layers, reach) < 1:
        came = (width, layers, reach)
        raise ConfigError(f"Expected width, layers and reach of at least 1, got {came}.", value=came)


def autoregressive(
    latent_channels: int,
    latent_stride: int | None = None,
    around: str = "vq",
    width: int = 64,
    layers: int = 6,
    reach: int = 1,
) -> PriorFacts:
    """Facts of :class:`vaezoo_codebook.autoregressive.AutoregressivePrior`: those of the codebook it is around."""
    check_masked(width, layers, reach)
    name, options = codebook_told(around)
    return _FACTS[name](latent_channels, latent_stride, **options)

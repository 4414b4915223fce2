"""What the codebook priors say of themselves, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vaezoo.core.facts import Grid, PriorConfig, PriorFacts, check_options, check_widths, former_facts, parse_choice
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


@dataclass(frozen=True)
class CodebookConfig:
    """How codebooks are learnt, see :class:`vaezoo_codebook.codebook.Codebook`.

    Attributes:
        entries: Entries K of each codebook.
        learn: ``ema`` or ``gradient``.
        commitment: Weight of the commitment penalty of each codebook.
        decay: Decay of the running sums.
        revive: Share of the uniform use below which an entry is revived.

    Raises:
        ConfigError: One is outside its range.
    """

    entries: int = 256
    learn: str = "ema"
    commitment: float = 0.25
    decay: float = 0.99
    revive: float = 0.05

    def __post_init__(self) -> None:
        check_codebook(self.entries, self.learn, self.commitment, self.decay, self.revive)


@dataclass(frozen=True)
class CodesConfig(PriorConfig):
    """A prior of codes that lie on one grid."""

    def facts(self) -> PriorFacts:
        """Returns what the prior says of itself."""
        return PriorFacts(frozenset({"gaussian", "dirac"}), (self.grid,), self.grid, rates_points=True)


@dataclass(frozen=True)
class VQPriorConfig(CodebookConfig, CodesConfig):
    """Parameters of :class:`vaezoo_codebook.vector.VQPrior`."""


@dataclass(frozen=True)
class _Deep(CodesConfig):
    """How often a rest is coded.

    Attributes:
        depth: Number of codebooks.
    """

    depth: int = 4


@dataclass(frozen=True)
class ResidualVQPriorConfig(CodebookConfig, _Deep):
    """Parameters of :class:`vaezoo_codebook.vector.ResidualVQPrior`.

    Raises:
        ConfigError: A setting is outside its range.
    """

    def __post_init__(self) -> None:
        check_depth(self.depth)
        super().__post_init__()


@dataclass(frozen=True)
class _Grouped(CodesConfig):
    """Into how many groups the channels are dealt out.

    Attributes:
        groups: Number of codebooks.
    """

    groups: int = 2


@dataclass(frozen=True)
class ProductVQPriorConfig(CodebookConfig, _Grouped):
    """Parameters of :class:`vaezoo_codebook.vector.ProductVQPrior`.

    Attributes:
        rotate: Whether an orthogonal matrix is learnt, by the commitment penalty, that turns the vectors before they
            are dealt out; groups of correlated channels waste codes.

    Raises:
        ConfigError: A setting is outside its range.
    """

    rotate: bool = False

    def __post_init__(self) -> None:
        check_share(self.latent_channels, self.groups)
        super().__post_init__()


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


@dataclass(frozen=True)
class _Scales:
    """Where codes lie.

    Attributes:
        widths: Channels per scale, fine to coarse; the finest is at stride 2.
        depths: Codebooks per scale, fine to coarse; 0 where a scale has none.
        code_channels: Dimensions D of every code.
    """

    widths: tuple[int, ...] = WIDTHS
    depths: tuple[int, ...] = DEPTHS
    code_channels: int = 16


@dataclass(frozen=True)
class CodebooksPriorConfig(CodebookConfig, _Scales):
    """Parameters of :func:`vaezoo_codebook.scales.codebooks_prior`.

    Raises:
        ConfigError: A setting is outside its range.
    """

    def __post_init__(self) -> None:
        check_scales(self.widths, self.depths, self.code_channels)
        super().__post_init__()

    def facts(self) -> PriorFacts:
        """Returns what the prior says of itself."""
        many = list(zip(self.widths, self.depths, range(1, len(self.widths) + 1), strict=True))
        grids = tuple(Grid(width, 2**power) for width, depth, power in reversed(many) for _ in range(depth))
        return PriorFacts(frozenset({"pyramid"}), grids, grids[-1], rates_points=True)


@dataclass(frozen=True)
class FSQPriorConfig(CodesConfig):
    """Parameters of :class:`vaezoo_codebook.scalar.FSQPrior`.

    Attributes:
        levels: Levels of each channel, at least 2.
        gain: Factor on z: an encoder whose outputs start near 0 would else begin with one code for everything.

    Raises:
        ConfigError: The levels are not one number of at least 2 for each channel.
    """

    levels: tuple[int, ...] = (8, 5, 5, 5)
    gain: float = 1.0

    def __post_init__(self) -> None:
        check_levels(self.latent_channels, self.levels)


@dataclass(frozen=True)
class ResidualFSQPriorConfig(CodesConfig):
    """Parameters of :class:`vaezoo_codebook.scalar.ResidualFSQPrior`.

    Attributes:
        levels: Levels of each channel, at least 2.
        depth: Number of roundings, each with a code of its own.
        gain: Factor on z.

    Raises:
        ConfigError: The levels are not one number of at least 2 for each channel, or the depth is below 1.
    """

    levels: tuple[int, ...] = (5, 5, 5, 5)
    depth: int = 2
    gain: float = 1.0

    def __post_init__(self) -> None:
        check_levels(self.latent_channels, self.levels)
        check_depth(self.depth)


BOOKS = {
    "vq": "vaezoo_codebook.vector:VQPrior",
    "residual-vq": "vaezoo_codebook.vector:ResidualVQPrior",
    "product-vq": "vaezoo_codebook.vector:ProductVQPrior",
    "fsq": "vaezoo_codebook.scalar:FSQPrior",
    "residual-fsq": "vaezoo_codebook.scalar:ResidualFSQPrior",
}
"""The priors whose codes lie on one grid, and their classes."""

_CONFIGS: dict[str, type[PriorConfig]] = {
    "vq": VQPriorConfig,
    "residual-vq": ResidualVQPriorConfig,
    "product-vq": ProductVQPriorConfig,
    "fsq": FSQPriorConfig,
    "residual-fsq": ResidualFSQPriorConfig,
}


def codebook_told(around: str) -> tuple[str, dict[str, Any]]:
    """Returns name and options of a codebook prior: of ``vq(entries=64)``, ``("vq", {"entries": 64})``.

    Raises:
        IncompatibleParts: The name is no codebook prior's.
        ConfigError: The text cannot be read, or the prior has no such option.
    """
    said, options = parse_choice(around, "around")
    name = said.rpartition("/")[2]
    if name not in BOOKS:
        raise IncompatibleParts(
            f"The prior 'autoregressive' is over the codes of one grid, which {', '.join(BOOKS)} have; the prior "
            f"{name!r} has none.",
            hint="Fit a mixture or a flow where there are no codes.",
            value=around,
        )
    check_options(around, "around", options, _CONFIGS[name], skip=2)
    return name, options


def check_masked(width: int, layers: int, reach: int) -> None:
    """Refuses a network without channels, layers or reach.

    Raises:
        ConfigError: One is below 1.
    """
    if min(width, layers, reach) < 1:
        came = (width, layers, reach)
        raise ConfigError(f"Expected width, layers and reach of at least 1, got {came}.", value=came)


@dataclass(frozen=True)
class AutoregressivePriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_codebook.autoregressive.AutoregressivePrior`.

    Attributes:
        around: The codebook prior whose codes these are, such as ``residual-vq(depth=2, entries=64)``.
        width: Channels of the network.
        layers: Layers of the network; how far above and to the left a cell sees is ``layers · reach``.
        reach: Cells that a layer sees to each side and above.

    Raises:
        IncompatibleParts: ``around`` names a prior without codes on one grid.
        ConfigError: A setting is outside its range.
    """

    around: str = "vq"
    width: int = 64
    layers: int = 6
    reach: int = 1

    def __post_init__(self) -> None:
        check_masked(self.width, self.layers, self.reach)

    def facts(self) -> PriorFacts:
        """Returns what the prior says of itself."""
        name, options = codebook_told(self.around)
        return _CONFIGS[name](self.latent_channels, self.latent_stride, **options).facts()


__getattr__ = former_facts(
    __name__,
    vq=VQPriorConfig,
    residual_vq=ResidualVQPriorConfig,
    product_vq=ProductVQPriorConfig,
    codebooks=CodebooksPriorConfig,
    fsq=FSQPriorConfig,
    residual_fsq=ResidualFSQPriorConfig,
    autoregressive=AutoregressivePriorConfig,
)

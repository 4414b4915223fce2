"""Configurations and facts of the codebook priors, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vaezoo.core.facts import Grid, PriorConfig, PriorFacts, check_options, check_widths, former_facts, parse_choice
from vaezoo.errors import ConfigError, IncompatibleParts

WIDTHS, DEPTHS = (32, 48, 64), (0, 1, 1)
"""Channels and codebooks of each scale, fine to coarse, from stride 2: one codebook at stride 4, one at stride 8."""


def check_codebook(entries: int, learn: str, commitment: float, decay: float, revive: float) -> None:
    """Checks the settings of a codebook.

    Raises:
        ConfigError: A setting is out of range.
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
    """Raises if channels cannot be split into equal groups.

    Raises:
        ConfigError: ``groups`` does not divide ``latent_channels``.
    """
    if groups < 1 or latent_channels % groups:
        raise ConfigError(
            f"Expected groups to divide the {latent_channels} latent channels, got {groups}.", value=groups
        )


def check_depth(depth: int) -> None:
    """Raises if a residual codebook has no level.

    Raises:
        ConfigError: ``depth`` is below 1.
    """
    if depth < 1:
        raise ConfigError(f"Expected a depth of at least 1, got {depth}.", value=depth)


def check_levels(latent_channels: int, levels: Sequence[int]) -> None:
    """Raises if levels are not one number of at least 2 for each latent channel.

    Raises:
        ConfigError: The number of levels differs, or one is below 2.
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
    """Settings of codebooks; see :class:`vaezoo_codebook.codebook.Codebook`.

    Attributes:
        entries: Number K of entries of each codebook.
        learn: Method of training codebooks, ``ema`` or ``gradient``.
        commitment: Weight of the commitment penalty of each codebook.
        decay: Decay of the running sums.
        revive: Share of uniform use below which an entry is revived.

    Raises:
        ConfigError: A setting is out of range.
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
    """Settings of a prior with codes on one grid."""

    def facts(self) -> PriorFacts:
        """Returns the facts of the prior."""
        return PriorFacts(frozenset({"gaussian", "dirac"}), (self.grid,), self.grid, rates_points=True)


@dataclass(frozen=True)
class VQPriorConfig(CodebookConfig, CodesConfig):
    """Parameters of :class:`vaezoo_codebook.vector.VQPrior`."""


@dataclass(frozen=True)
class _Deep(CodesConfig):
    """Settings of residual quantisation.

    Attributes:
        depth: Number of codebooks.
    """

    depth: int = 4


@dataclass(frozen=True)
class ResidualVQPriorConfig(CodebookConfig, _Deep):
    """Parameters of :class:`vaezoo_codebook.vector.ResidualVQPrior`.

    Raises:
        ConfigError: A setting is out of range.
    """

    def __post_init__(self) -> None:
        check_depth(self.depth)
        super().__post_init__()


@dataclass(frozen=True)
class _Grouped(CodesConfig):
    """Settings of quantisation in groups of channels.

    Attributes:
        groups: Number of codebooks.
    """

    groups: int = 2


@dataclass(frozen=True)
class ProductVQPriorConfig(CodebookConfig, _Grouped):
    """Parameters of :class:`vaezoo_codebook.vector.ProductVQPrior`.

    Attributes:
        rotate: Whether to learn an orthogonal matrix, by the commitment penalty, that rotates vectors before they are
            split. Groups of correlated channels would waste codes.

    Raises:
        ConfigError: A setting is out of range.
    """

    rotate: bool = False

    def __post_init__(self) -> None:
        check_share(self.latent_channels, self.groups)
        super().__post_init__()


def check_scales(widths: Sequence[int], depths: Sequence[int], code_channels: int) -> None:
    """Checks the settings of codebooks at several scales.

    Raises:
        ConfigError: The numbers of scales differ, the coarsest scale has no codebook, or codes have no channels.
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
    """Settings of scales with codes.

    Attributes:
        widths: Number of channels per scale, fine to coarse. The finest has stride 2.
        depths: Number of codebooks per scale, fine to coarse. 0 for a scale without codes.
        code_channels: Number of channels D of each code's vector.
    """

    widths: tuple[int, ...] = WIDTHS
    depths: tuple[int, ...] = DEPTHS
    code_channels: int = 16


@dataclass(frozen=True)
class CodebooksPriorConfig(CodebookConfig, _Scales):
    """Parameters of :func:`vaezoo_codebook.scales.codebooks_prior`.

    Raises:
        ConfigError: A setting is out of range.
    """

    def __post_init__(self) -> None:
        check_scales(self.widths, self.depths, self.code_channels)
        super().__post_init__()

    def facts(self) -> PriorFacts:
        """Returns the facts of the prior."""
        many = list(zip(self.widths, self.depths, range(1, len(self.widths) + 1), strict=True))
        grids = tuple(Grid(width, 2**power) for width, depth, power in reversed(many) for _ in range(depth))
        return PriorFacts(frozenset({"pyramid"}), grids, grids[-1], rates_points=True)


@dataclass(frozen=True)
class FSQPriorConfig(CodesConfig):
    """Parameters of :class:`vaezoo_codebook.scalar.FSQPrior`.

    Attributes:
        levels: Number of levels of each channel, at least 2.
        gain: Factor of z. Without it, an encoder with outputs near 0 would start with one code for everything.

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
        levels: Number of levels of each channel, at least 2.
        depth: Number of roundings, each with its own code.
        gain: Factor of z.

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
"""Priors with codes on one grid, and their classes."""

_CONFIGS: dict[str, type[PriorConfig]] = {
    "vq": VQPriorConfig,
    "residual-vq": ResidualVQPriorConfig,
    "product-vq": ProductVQPriorConfig,
    "fsq": FSQPriorConfig,
    "residual-fsq": ResidualFSQPriorConfig,
}


def codebook_told(around: str) -> tuple[str, dict[str, Any]]:
    """Parses a codebook prior into name and options: ``vq(entries=64)`` is ``("vq", {"entries": 64})``.

    Raises:
        IncompatibleParts: The name is not that of a codebook prior.
        ConfigError: The text cannot be read, or an option is unknown.
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
    """Checks the settings of the masked network.

    Raises:
        ConfigError: A setting is below 1.
    """
    if min(width, layers, reach) < 1:
        came = (width, layers, reach)
        raise ConfigError(f"Expected width, layers and reach of at least 1, got {came}.", value=came)


@dataclass(frozen=True)
class AutoregressivePriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_codebook.autoregressive.AutoregressivePrior`.

    Attributes:
        around: Codebook prior that makes the codes, such as ``residual-vq(depth=2, entries=64)``.
        width: Number of channels of the network.
        layers: Number of layers. A cell sees ``layers · reach`` cells up and to the left.
        reach: Number of cells that a layer sees to each side and above.

    Raises:
        IncompatibleParts: ``around`` names a prior without codes on one grid.
        ConfigError: A setting is out of range.
    """

    around: str = "vq"
    width: int = 64
    layers: int = 6
    reach: int = 1

    def __post_init__(self) -> None:
        check_masked(self.width, self.layers, self.reach)

    def facts(self) -> PriorFacts:
        """Returns the facts of the prior."""
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

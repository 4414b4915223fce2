"""Configurations and facts of the parts, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import LossConfig, PriorConfig, PriorFacts, check_at_least, former_facts
from vaezoo.errors import ConfigError

_POINTS = frozenset({"dirac"})


@dataclass(frozen=True)
class ReconstructionLossConfig(LossConfig, needs_rate=False, beliefs=_POINTS):
    """Parameters of :class:`vaezoo_penalties.losses.ReconstructionLoss`."""


@dataclass(frozen=True)
class RAEWeightsLossConfig(LossConfig, needs_rate=False, beliefs=_POINTS):
    """Parameters of :class:`vaezoo_penalties.regularised.RAEWeightsLoss`.

    Attributes:
        latent_weight: Weight of the size of the latents.
        decoder_weight: Weight of the decoder's parameters.
    """

    latent_weight: float = 5e-3
    decoder_weight: float = 5e-6

    def __post_init__(self) -> None:
        check_at_least(0, latent_weight=self.latent_weight, decoder_weight=self.decoder_weight)


@dataclass(frozen=True)
class RAEGradientLossConfig(LossConfig, needs_rate=False, beliefs=_POINTS):
    """Parameters of :class:`vaezoo_penalties.regularised.RAEGradientLoss`.

    Attributes:
        latent_weight: Weight of the size of the latents.
        gradient_weight: Weight of the decoder's slope.
        probes: Number of random probes per image. 0 is exact, with a backward pass per pixel.
    """

    latent_weight: float = 5e-3
    gradient_weight: float = 5e-6
    probes: int = 1

    def __post_init__(self) -> None:
        check_at_least(0, latent_weight=self.latent_weight, gradient_weight=self.gradient_weight, probes=self.probes)


@dataclass(frozen=True)
class DenoisingLossConfig(LossConfig, needs_rate=False, beliefs=frozenset({"gaussian", "density", "dirac"})):
    """Parameters of :class:`vaezoo_penalties.losses.DenoisingLoss`.

    Attributes:
        corruption: Corruption, ``gaussian`` or ``masking``; see :func:`corrupted`.
        amount: Standard deviation of the noise, or share of masked pixels.
        beta: Weight of the rate. A deterministic encoder has none.

    Raises:
        ConfigError: The corruption is unknown, or the share is above 1.
    """

    corruption: str = "gaussian"
    amount: float = 0.3
    beta: float = 1.0

    def __post_init__(self) -> None:
        check_at_least(0, amount=self.amount, beta=self.beta)
        if self.corruption == "masking" and self.amount > 1:
            raise ConfigError(f"Expected amount as a share of pixels, at most 1, got {self.amount}.", value=self.amount)


@dataclass(frozen=True)
class ContractiveLossConfig(LossConfig, needs_rate=False, beliefs=_POINTS):
    """Parameters of :class:`vaezoo_penalties.regularised.ContractiveLoss`.

    Attributes:
        weight: Weight of the encoder's slope.
        probes: Number of random probes over the latents. 0 is exact, with a backward pass per latent of an image.
    """

    weight: float = 0.1
    probes: int = 0

    def __post_init__(self) -> None:
        check_at_least(0, weight=self.weight, probes=self.probes)


@dataclass(frozen=True)
class SparseLossConfig(LossConfig, needs_rate=False, beliefs=_POINTS):
    """Parameters of :class:`vaezoo_penalties.losses.SparseLoss`.

    Attributes:
        weight: Weight of the sparsity term S.
        measure: Measure of sparsity, ``rate`` or ``l1``.
        target: Target activity ρ, between 0 and 1.

    Raises:
        ConfigError: The measure is unknown, or the target is not between 0 and 1.
    """

    weight: float = 1.0
    measure: str = "rate"
    target: float = 0.05

    def __post_init__(self) -> None:
        check_at_least(0, weight=self.weight)
        if not 0 < self.target < 1:
            raise ConfigError(f"Expected target between 0 and 1, got {self.target}.", value=self.target)


@dataclass(frozen=True)
class TopKPriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo_penalties.prior.TopKPrior`.

    Attributes:
        kept: Number of latents of a cell that are not 0.

    Raises:
        ConfigError: ``kept`` is below 1 or above ``latent_channels``.
    """

    kept: int = 4

    def __post_init__(self) -> None:
        check_kept(self.kept, self.latent_channels)

    def facts(self) -> PriorFacts:
        """Returns the facts of the prior."""
        return PriorFacts(frozenset({"dirac"}), (self.grid,), self.grid)


def check_kept(kept: int, latent_channels: int) -> None:
    """Checks the number of latents to keep.

    Raises:
        ConfigError: ``kept`` is below 1 or above ``latent_channels``.
    """
    if not 1 <= kept <= latent_channels:
        raise ConfigError(f"Expected kept from 1 to the {latent_channels} latent channels, got {kept}.", value=kept)


__getattr__ = former_facts(
    __name__,
    reconstruction=ReconstructionLossConfig,
    rae_l2=RAEWeightsLossConfig,
    rae_gp=RAEGradientLossConfig,
    denoising=DenoisingLossConfig,
    contractive=ContractiveLossConfig,
    sparse=SparseLossConfig,
    top_k=TopKPriorConfig,
)

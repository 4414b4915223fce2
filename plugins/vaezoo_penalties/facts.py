"""What the parts say of themselves, without torch."""

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
        latent_weight: Weight of the latents' size.
        decoder_weight: Weight of the decoder's weights.
    """

    latent_weight: float = 5e-3
    decoder_weight: float = 5e-6

    def __post_init__(self) -> None:
        check_at_least(0, latent_weight=self.latent_weight, decoder_weight=self.decoder_weight)


@dataclass(frozen=True)
class RAEGradientLossConfig(LossConfig, needs_rate=False, beliefs=_POINTS):
    """Parameters of :class:`vaezoo_penalties.regularised.RAEGradientLoss`.

    Attributes:
        latent_weight: Weight of the latents' size.
        gradient_weight: Weight of the decoder's slope.
        probes: Random signs an image; 0 is exact, by a backward pass for each pixel.
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
        corruption: ``gaussian`` or ``masking``, see :func:`corrupted`.
        amount: Standard deviation, or share of pixels.
        beta: Weight of the rate; an encoder that gives a point has none.

    Raises:
        ConfigError: There is no such corruption, or the share is above 1.
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
        probes: Random signs over the latents; 0 is exact, by a backward pass for each latent of an image.
    """

    weight: float = 0.1
    probes: int = 0

    def __post_init__(self) -> None:
        check_at_least(0, weight=self.weight, probes=self.probes)


@dataclass(frozen=True)
class SparseLossConfig(LossConfig, needs_rate=False, beliefs=_POINTS):
    """Parameters of :class:`vaezoo_penalties.losses.SparseLoss`.

    Attributes:
        weight: Weight of S.
        measure: ``rate`` or ``l1``.
        target: ρ, between 0 and 1.

    Raises:
        ConfigError: There is no such measure, or the target is not between 0 and 1.
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
        kept: How many latents of a cell are not 0.

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
    """Refuses a number of latents to keep that there are not.

    Raises:
        ConfigError: It is below 1 or above ``latent_channels``.
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

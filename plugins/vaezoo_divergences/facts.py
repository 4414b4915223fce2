"""Configurations and facts of the losses, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import VECTORS, LossConfig, check_at_least, former_facts
from vaezoo.errors import ConfigError

_GAUSSIAN = frozenset({"gaussian"})


@dataclass(frozen=True)
class TotalCorrelationLossConfig(LossConfig, beliefs=_GAUSSIAN):
    """Parameters of :class:`vaezoo_divergences.correlation.TotalCorrelationLoss`.

    Attributes:
        alpha: Weight α of I, the mutual information of image and latents.
        beta: Weight β of TC, the total correlation of the latents.
        gamma: Weight γ of K, the distance of each latent from its prior.
        estimator: Estimator of q(z) from a batch, ``weighted`` or ``stratified``; see `vaezoo_divergences.correlation`.
        images: Number N of images of the data set. With ``weighted`` it shifts the reports, but not the gradients.

    Raises:
        ConfigError: The estimator is unknown.
    """

    alpha: float = 1.0
    beta: float = 6.0
    gamma: float = 1.0
    estimator: str = "weighted"
    images: int = 60_000

    def __post_init__(self) -> None:
        check_at_least(0, alpha=self.alpha, beta=self.beta, gamma=self.gamma)
        check_at_least(1, images=self.images)


@dataclass(frozen=True)
class DIPMeansLossConfig(LossConfig, beliefs=_GAUSSIAN):
    """Parameters of :class:`vaezoo_divergences.moments.DIPMeansLoss`.

    Attributes:
        off_diagonal: Weight λ_od of squared covariances.
        diagonal: Weight λ_d of (variance − 1)².
    """

    off_diagonal: float = 10.0
    diagonal: float = 100.0

    def __post_init__(self) -> None:
        check_at_least(0, off_diagonal=self.off_diagonal, diagonal=self.diagonal)


@dataclass(frozen=True)
class DIPSamplesLossConfig(LossConfig, beliefs=_GAUSSIAN):
    """Parameters of :class:`vaezoo_divergences.moments.DIPSamplesLoss`.

    Attributes:
        off_diagonal: Weight λ_od of squared covariances.
        diagonal: Weight λ_d of (variance − 1)².
    """

    off_diagonal: float = 10.0
    diagonal: float = 10.0

    def __post_init__(self) -> None:
        check_at_least(0, off_diagonal=self.off_diagonal, diagonal=self.diagonal)


@dataclass(frozen=True)
class InfoLossConfig(LossConfig, beliefs=frozenset({"gaussian", "density"})):
    """Parameters of :class:`vaezoo_divergences.distances.InfoLoss`.

    Attributes:
        alpha: Weight α, at most 1. At 1 the loss is that of the MMD-VAE.
        weight: Weight λ, at least 1 − α.
        kernel: Kernel, ``rbf`` or ``imq``.

    Raises:
        ConfigError: ``alpha`` is above 1, ``weight`` is below 1 − α, or the kernel is unknown.
    """

    alpha: float = 0.0
    weight: float = 1000.0
    kernel: str = "rbf"

    def __post_init__(self) -> None:
        if not self.alpha <= 1:
            raise ConfigError(f"Expected alpha of at most 1, got {self.alpha}.", value=self.alpha)
        check_at_least(1 - self.alpha, weight=self.weight)


@dataclass(frozen=True)
class MMDLossConfig(LossConfig, needs_rate=False, beliefs=VECTORS):
    """Parameters of :class:`vaezoo_divergences.distances.MMDLoss`.

    Attributes:
        weight: Weight λ of the distance.
        kernel: Kernel, ``imq`` or ``rbf``.
    """

    weight: float = 100.0
    kernel: str = "imq"

    def __post_init__(self) -> None:
        check_at_least(0, weight=self.weight)


@dataclass(frozen=True)
class SlicedLossConfig(LossConfig, needs_rate=False, beliefs=VECTORS):
    """Parameters of :class:`vaezoo_divergences.distances.SlicedLoss`.

    Attributes:
        weight: Weight λ of the distance.
        directions: Number of random directions per step.
    """

    weight: float = 100.0
    directions: int = 50

    def __post_init__(self) -> None:
        check_at_least(0, weight=self.weight)
        check_at_least(1, directions=self.directions)


__getattr__ = former_facts(
    __name__,
    beta_tc=TotalCorrelationLossConfig,
    dip_i=DIPMeansLossConfig,
    dip_ii=DIPSamplesLossConfig,
    info=InfoLossConfig,
    wae_mmd=MMDLossConfig,
    swae=SlicedLossConfig,
)

"""Configurations and facts of the parts in the core, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import (
    ConditionerFacts,
    LossConfig,
    LossFacts,
    PriorConfig,
    check_at_least,
    former_facts,
)
from vaezoo.errors import ConfigError


@dataclass(frozen=True)
class NormalPriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo.core.priors.normal.NormalPrior`."""


def check_mixture(components: int, covariance: str) -> None:
    """Checks the number of components and the covariance of a mixture.

    Raises:
        ConfigError: ``components`` is below 1, or ``covariance`` is unknown.
    """
    if components < 1:
        raise ConfigError(f"Expected at least 1 component, got {components}.", value=components)
    if covariance not in ("diagonal", "full"):
        raise ConfigError(f"Expected covariance to be 'diagonal' or 'full', got {covariance!r}.", value=covariance)


@dataclass(frozen=True)
class MixturePriorConfig(PriorConfig):
    """Parameters of :class:`vaezoo.core.priors.mixture.MixturePrior`.

    Attributes:
        components: Number of Gaussians.
        covariance: ``diagonal``, or ``full`` for latents that are correlated within a component.

    Raises:
        ConfigError: ``components`` is below 1, or ``covariance`` is unknown.
    """

    components: int = 16
    covariance: str = "diagonal"

    def __post_init__(self) -> None:
        check_mixture(self.components, self.covariance)


@dataclass(frozen=True)
class ELBOLossConfig(LossConfig):
    """Parameters of :class:`vaezoo.core.losses.elbo.ELBOLoss`.

    Attributes:
        beta: Weight of the rate. 1 gives the evidence lower bound.
        free_nats: Free nats: a batch's mean rate below this costs nothing, for each group (level), in nats per image.
        warmup: Number of steps over which beta rises linearly from 0.
        samples: Number K of posterior samples per image.
    """

    beta: float = 1.0
    free_nats: float = 0.0
    warmup: int = 0
    samples: int = 1

    def __post_init__(self) -> None:
        check_at_least(0, beta=self.beta, free_nats=self.free_nats, warmup=self.warmup)
        check_at_least(1, samples=self.samples)


@dataclass(frozen=True)
class RestorationLossConfig:
    """Parameters of :class:`vaezoo.core.losses.restoration.RestorationLoss`.

    Attributes:
        mean_weight: Weight of the mean path.
        scale_weight: Weight of the scale of the mean path.
        bound_weight: Weight of the bound; 0 leaves the posterior untrained.
        beta: Weight of the rate inside the bound.
        bound_every: Interval, in steps, at which the bound and the samples are computed. Their weights are multiplied
            by it.
        sample_weight: Weight of the samples.
        margin: Width, in pixels, of a border of each patch that does not count in the scale and the distortion. Pixels
            there see less of the picture and have larger errors, which would make the scale of whole pictures too
            large.
        robust: Whether the scale is trained by the continuous ranked probability score.
    """

    mean_weight: float = 20.0
    scale_weight: float = 0.05
    bound_weight: float = 0.3
    beta: float = 1.0
    bound_every: int = 1
    sample_weight: float = 0.0
    margin: int = 0
    robust: bool = False

    def __post_init__(self) -> None:
        check_at_least(
            0,
            mean_weight=self.mean_weight,
            scale_weight=self.scale_weight,
            bound_weight=self.bound_weight,
            beta=self.beta,
        )
        check_at_least(0, sample_weight=self.sample_weight, margin=self.margin)
        check_at_least(1, bound_every=self.bound_every)

    def facts(self) -> LossFacts:
        """Returns the facts of the loss."""
        return LossFacts(frozenset({"gaussian"}), needs_rate=self.bound_weight > 0, conditional=True)


@dataclass(frozen=True)
class ImageConditionerConfig:
    """Parameters of :class:`vaezoo.core.conditioner.ImageConditioner`.

    Attributes:
        image_channels: Number of image channels C.
    """

    image_channels: int = 1

    def facts(self) -> ConditionerFacts:
        """Returns the facts of the conditioner."""
        return ConditionerFacts(self.image_channels, gives_image=True)


@dataclass(frozen=True)
class LabelConditionerConfig:
    """Parameters of :class:`vaezoo.core.conditioner.LabelConditioner`.

    Attributes:
        classes: Number of classes.
        context_vector: Dimensions of the embedding.
    """

    classes: int = 10
    context_vector: int = 16

    def facts(self) -> ConditionerFacts:
        """Returns the facts of the conditioner."""
        return ConditionerFacts(vector=self.context_vector)


__getattr__ = former_facts(
    __name__,
    normal_prior=NormalPriorConfig,
    mixture_prior=MixturePriorConfig,
    elbo_loss=ELBOLossConfig,
    restoration_loss=RestorationLossConfig,
    image_conditioner=ImageConditionerConfig,
    label_conditioner=LabelConditionerConfig,
)

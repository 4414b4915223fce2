"""Facts of the parts that the core itself brings, without torch."""

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
    """Refuses a mixture without components, or with another covariance than there is.

    Raises:
        ConfigError: It is one.
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
        ConfigError: Fewer than one component, or another covariance.
    """

    components: int = 16
    covariance: str = "diagonal"

    def __post_init__(self) -> None:
        check_mixture(self.components, self.covariance)


@dataclass(frozen=True)
class ELBOLossConfig(LossConfig):
    """Parameters of :class:`vaezoo.core.losses.elbo.ELBOLoss`.

    Attributes:
        beta: Weight of the rate; 1 is the bound itself.
        free_nats: The mean rate of a batch in each group (level) costs nothing below this, in nats per image.
        warmup: Steps over which beta rises from 0, linearly.
        samples: Posterior samples per image, K.
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
        scale_weight: Weight of its scale.
        bound_weight: Weight of the bound; 0 leaves the posterior untrained.
        beta: Weight of the rate inside the bound.
        bound_every: The bound and the samples are computed at every so many-th step, and weigh as much more then.
        sample_weight: Weight of the samples.
        margin: So many pixels along a patch's edges do not count in the scale and the distortion. They see less of the
            picture than those of a whole one and err more, which would make the scale of whole pictures too large.
        robust: Whether the scale learns by the continuous ranked probability score.
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
        """Returns what the loss says of itself."""
        return LossFacts(frozenset({"gaussian"}), needs_rate=self.bound_weight > 0, conditional=True)


@dataclass(frozen=True)
class ImageConditionerConfig:
    """Parameters of :class:`vaezoo.core.conditioner.ImageConditioner`.

    Attributes:
        image_channels: Channels C of a picture.
    """

    image_channels: int = 1

    def facts(self) -> ConditionerFacts:
        """Returns what the conditioner says of itself."""
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
        """Returns what the conditioner says of itself."""
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

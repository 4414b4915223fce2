"""Facts of the parts that the core itself brings, without torch."""

from __future__ import annotations

from vaezoo.core.facts import ConditionerFacts, Grid, LossFacts, PriorFacts
from vaezoo.errors import ConfigError

_POSTERIORS = frozenset({"gaussian", "density", "dirac"})


def normal_prior(latent_channels: int, latent_stride: int | None = None) -> PriorFacts:
    """Facts of :class:`vaezoo.core.NormalPrior`."""
    grid = Grid(latent_channels, latent_stride)
    return PriorFacts(_POSTERIORS, (grid,), grid)


def check_mixture(components: int, covariance: str) -> None:
    """Refuses a mixture without components, or with another covariance than there is.

    Raises:
        ConfigError: It is one.
    """
    if components < 1:
        raise ConfigError(f"Expected at least 1 component, got {components}.", value=components)
    if covariance not in ("diagonal", "full"):
        raise ConfigError(f"Expected covariance to be 'diagonal' or 'full', got {covariance!r}.", value=covariance)


def mixture_prior(
    latent_channels: int, latent_stride: int | None = None, components: int = 16, covariance: str = "diagonal"
) -> PriorFacts:
    """Facts of :class:`vaezoo.core.MixturePrior`."""
    check_mixture(components, covariance)
    return normal_prior(latent_channels, latent_stride)


def elbo_loss(beta: float = 1.0, free_nats: float = 0.0, warmup: int = 0, samples: int = 1) -> LossFacts:
    """Facts of :class:`vaezoo.core.ELBOLoss`."""
    return LossFacts()


def restoration_loss(
    mean_weight: float = 20.0,
    scale_weight: float = 0.05,
    bound_weight: float = 0.3,
    beta: float = 1.0,
    bound_every: int = 1,
    sample_weight: float = 0.0,
    margin: int = 0,
    robust: bool = False,
) -> LossFacts:
    """Facts of :class:`vaezoo.core.RestorationLoss`."""
    return LossFacts(frozenset({"gaussian"}), needs_rate=bound_weight > 0, conditional=True)


def image_conditioner(image_channels: int = 1) -> ConditionerFacts:
    """Facts of :class:`vaezoo.core.ImageConditioner`."""
    return ConditionerFacts(image_channels, gives_image=True)


def label_conditioner(classes: int = 10, context_vector: int = 16) -> ConditionerFacts:
    """Facts of :class:`vaezoo.core.LabelConditioner`."""
    return ConditionerFacts(vector=context_vector)

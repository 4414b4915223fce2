"""What the parts say of themselves, without torch."""

from __future__ import annotations

from vaezoo.core.facts import Grid, LossFacts, PriorFacts
from vaezoo.errors import ConfigError

_POINTS = LossFacts(needs_rate=False, beliefs=frozenset({"dirac"}))


def reconstruction() -> LossFacts:
    """Facts of :class:`vaezoo_penalties.losses.ReconstructionLoss`."""
    return _POINTS


def rae_l2(latent_weight: float = 5e-3, decoder_weight: float = 5e-6) -> LossFacts:
    """Facts of :class:`vaezoo_penalties.regularised.RAEWeightsLoss`."""
    return _POINTS


def rae_gp(latent_weight: float = 5e-3, gradient_weight: float = 5e-6, probes: int = 1) -> LossFacts:
    """Facts of :class:`vaezoo_penalties.regularised.RAEGradientLoss`."""
    return _POINTS


def denoising(corruption: str = "gaussian", amount: float = 0.3, beta: float = 1.0) -> LossFacts:
    """Facts of :class:`vaezoo_penalties.losses.DenoisingLoss`."""
    return LossFacts(needs_rate=False, beliefs=frozenset({"gaussian", "density", "dirac"}))


def contractive(weight: float = 0.1, probes: int = 0) -> LossFacts:
    """Facts of :class:`vaezoo_penalties.regularised.ContractiveLoss`."""
    return _POINTS


def sparse(weight: float = 1.0, measure: str = "rate", target: float = 0.05) -> LossFacts:
    """Facts of :class:`vaezoo_penalties.losses.SparseLoss`."""
    return _POINTS


def top_k(latent_channels: int, latent_stride: int | None = None, kept: int = 4) -> PriorFacts:
    """Facts of :class:`vaezoo_penalties.prior.TopKPrior`."""
    check_kept(kept, latent_channels)
    grid = Grid(latent_channels, latent_stride)
    return PriorFacts(frozenset({"dirac"}), (grid,), grid)


def check_kept(kept: int, latent_channels: int) -> None:
    """Refuses a number of latents to keep that there are not.

    Raises:
        ConfigError: It is below 1 or above ``latent_channels``.
    """
    if not 1 <= kept <= latent_channels:
        raise ConfigError(f"Expected kept from 1 to the {latent_channels} latent channels, got {kept}.", value=kept)

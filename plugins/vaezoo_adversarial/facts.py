"""What the losses say of themselves, without torch."""

from __future__ import annotations

from vaezoo.core.facts import LossFacts, check_widths

_POSTERIORS = frozenset({"gaussian", "density", "dirac"})
_RANDOM = frozenset({"gaussian", "density"})


def factor(latent_channels: int, gamma: float = 10.0, hidden: tuple[int, ...] = (256, 256)) -> LossFacts:
    """Facts of :class:`vaezoo_adversarial.factor.FactorLoss`."""
    check_widths("hidden", hidden, least=0)
    return LossFacts(beliefs=_RANDOM)


def aae(latent_channels: int, hidden: tuple[int, ...] = (256, 256)) -> LossFacts:
    """Facts of :class:`vaezoo_adversarial.latents.AAELoss`."""
    check_widths("hidden", hidden, least=0)
    return LossFacts(needs_rate=False, beliefs=_POSTERIORS)


def wae_gan(latent_channels: int, weight: float = 10.0, hidden: tuple[int, ...] = (256, 256)) -> LossFacts:
    """Facts of :class:`vaezoo_adversarial.latents.WAEGANLoss`."""
    check_widths("hidden", hidden, least=0)
    return LossFacts(needs_rate=False, beliefs=_POSTERIORS)


def vae_gan(
    image_channels: int = 1, gamma: float = 1.0, pixels: float = 1.0, widths: tuple[int, ...] = (32, 64, 128)
) -> LossFacts:
    """Facts of :class:`vaezoo_adversarial.pictures.VAEGANLoss`; where no pixel counts, a scale would go untrained."""
    check_widths("widths", widths)
    likelihoods = frozenset() if pixels > 0 else frozenset({"bernoulli"})
    return LossFacts(likelihoods, beliefs=_RANDOM)


def patch_gan(
    image_channels: int = 1,
    beta: float = 1.0,
    weight: float = 0.8,
    start: int = 0,
    widths: tuple[int, ...] = (32, 64, 128),
) -> LossFacts:
    """Facts of :class:`vaezoo_adversarial.pictures.PatchGANLoss`."""
    check_widths("widths", widths)
    return LossFacts()


def detail(
    image_channels: int = 3,
    power: float = 2.0,
    mean_weight: float = 1.0,
    limit: float = 1.0,
    steady: float = 1.0,
    widths: tuple[int, ...] = (48, 64, 64),
) -> LossFacts:
    """Facts of :class:`vaezoo_adversarial.detail.DetailLoss`."""
    check_widths("widths", widths)
    return LossFacts(frozenset({"gaussian"}), needs_rate=False, conditional=True, needs_detail=True)

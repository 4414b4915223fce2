"""Configurations and facts of the losses, without torch."""

from __future__ import annotations

from dataclasses import dataclass

from vaezoo.core.facts import LossConfig, LossFacts, check_at_least, check_widths, former_facts

_POSTERIORS = frozenset({"gaussian", "density", "dirac"})
_RANDOM = frozenset({"gaussian", "density"})


@dataclass(frozen=True)
class FactorLossConfig(LossConfig, beliefs=_RANDOM):
    """Parameters of :class:`vaezoo_adversarial.factor.FactorLoss`.

    Attributes:
        latent_channels: Number of latent channels D in each cell.
        gamma: Weight γ of the critic's term.
        hidden: Widths of the critic's hidden layers.
    """

    latent_channels: int
    gamma: float = 10.0
    hidden: tuple[int, ...] = (256, 256)

    def __post_init__(self) -> None:
        check_widths("hidden", self.hidden, least=0)
        check_at_least(0, gamma=self.gamma)


@dataclass(frozen=True)
class AAELossConfig(LossConfig, needs_rate=False, beliefs=_POSTERIORS):
    """Parameters of :class:`vaezoo_adversarial.latents.AAELoss`.

    Attributes:
        latent_channels: Number of latent channels D in each cell.
        hidden: Widths of the critic's hidden layers.
    """

    latent_channels: int
    hidden: tuple[int, ...] = (256, 256)

    def __post_init__(self) -> None:
        check_widths("hidden", self.hidden, least=0)


@dataclass(frozen=True)
class WAEGANLossConfig(LossConfig, needs_rate=False, beliefs=_POSTERIORS):
    """Parameters of :class:`vaezoo_adversarial.latents.WAEGANLoss`.

    Attributes:
        latent_channels: Number of latent channels D in each cell.
        weight: Weight λ of the distance.
        hidden: Widths of the critic's hidden layers.
    """

    latent_channels: int
    weight: float = 10.0
    hidden: tuple[int, ...] = (256, 256)

    def __post_init__(self) -> None:
        check_widths("hidden", self.hidden, least=0)
        check_at_least(0, weight=self.weight)


@dataclass(frozen=True)
class VAEGANLossConfig:
    """Parameters of :class:`vaezoo_adversarial.pictures.VAEGANLoss`.

    Attributes:
        image_channels: Number of image channels C.
        gamma: Weight γ of the feature distance in the decoder's phase.
        pixels: Weight of D beside the feature distance. The paper has 0, with which D may rise while the critic is new.
        widths: Number of channels of each layer of the critic.
    """

    image_channels: int = 1
    gamma: float = 1.0
    pixels: float = 1.0
    widths: tuple[int, ...] = (32, 64, 128)

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        check_at_least(0, gamma=self.gamma, pixels=self.pixels)

    def facts(self) -> LossFacts:
        """Returns the facts of the loss."""
        likelihoods = frozenset() if self.pixels > 0 else frozenset({"bernoulli"})
        return LossFacts(likelihoods, beliefs=_RANDOM)


@dataclass(frozen=True)
class PatchGANLossConfig(LossConfig):
    """Parameters of :class:`vaezoo_adversarial.pictures.PatchGANLoss`.

    Attributes:
        image_channels: Number of image channels C.
        beta: Weight of the rate.
        weight: Weight w of the critic.
        start: Step from which the critic affects the model.
        widths: Number of channels of each layer of the critic.
    """

    image_channels: int = 1
    beta: float = 1.0
    weight: float = 0.8
    start: int = 0
    widths: tuple[int, ...] = (32, 64, 128)

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        check_at_least(0, beta=self.beta, weight=self.weight, start=self.start)


@dataclass(frozen=True)
class DetailLossConfig(
    LossConfig, likelihoods=frozenset({"gaussian"}), needs_rate=False, conditional=True, needs_detail=True
):
    """Parameters of :class:`vaezoo_adversarial.detail.DetailLoss`.

    Attributes:
        image_channels: Number of image channels C.
        power: Weight of the energies in octaves. They guide the branch while the critic is new.
        mean_weight: Weight of the detail that remains in the mean of samples with opposite noise.
        limit: Weight of energy above the predicted one.
        steady: Weight of the critic's steepness.
        widths: Number of channels of each layer of the critic.
    """

    image_channels: int = 3
    power: float = 2.0
    mean_weight: float = 1.0
    limit: float = 1.0
    steady: float = 1.0
    widths: tuple[int, ...] = (48, 64, 64)

    def __post_init__(self) -> None:
        check_widths("widths", self.widths)
        check_at_least(0, power=self.power, mean_weight=self.mean_weight, limit=self.limit, steady=self.steady)


__getattr__ = former_facts(
    __name__,
    factor=FactorLossConfig,
    aae=AAELossConfig,
    wae_gan=WAEGANLossConfig,
    vae_gan=VAEGANLossConfig,
    patch_gan=PatchGANLossConfig,
    detail=DetailLossConfig,
)

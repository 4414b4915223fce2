"""Losses: reconstruction of the input, or of a clean image from a corrupted one, and sparse latents."""

from __future__ import annotations

from dataclasses import replace
from typing import final

import torch
from torch import Tensor

from vaezoo.core import VAE, Batch, Bound, FlatPrior, Loss, Phase, Terms
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import ConfigError, suggest

from .facts import DenoisingLossConfig, ReconstructionLossConfig, SparseLossConfig

CORRUPTIONS = ("gaussian", "masking")
MEASURES = ("rate", "l1")


def reconstruction(model: VAE, bound: Bound) -> Tensor:
    """Returns the mean distortion of a batch, nats per image.

    For a prior with parameters, such as a mixture, −log p(z) is added with z held fixed. So the prior is fitted to the
    latents, which do not move for it.
    """
    loss = bound.distortion.mean()
    if isinstance(model.prior, FlatPrior) and any(p.requires_grad for p in model.prior.parameters()):
        loss = loss - model.prior.log_prob(bound.latents.z[0].detach(), bound.context).mean()
    return loss


def reports_of(bound: Bound, **more: Tensor) -> dict[str, Tensor]:
    """Returns the distortion and further reports, detached from their gradients."""
    return {name: value.detach() for name, value in {"distortion": bound.distortion.mean(), **more}.items()}


@final
class ReconstructionLoss(Loss):
    """D alone, nats per image: a plain autoencoder.

    Source: Reducing the Dimensionality of Data with Neural Networks (Hinton and Salakhutdinov, 2006).
    """

    @accepts_keywords(ReconstructionLossConfig)
    def __init__(self, config: ReconstructionLossConfig) -> None:
        super().__init__()

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        return Terms(reconstruction(model, bound), reports_of(bound))


def corrupted(image: Tensor, corruption: str, amount: float) -> Tensor:
    """Adds noise to an image (B, C, H, W), or sets pixels to 0 in all channels. Draws from torch's generator.

    Args:
        image: Image with pixels in [0, 1].
        corruption: Corruption: ``gaussian`` adds noise, ``masking`` sets pixels to 0.
        amount: Standard deviation of the noise, or share of masked pixels.
    """
    if corruption == "gaussian":
        return image + amount * torch.randn_like(image)
    return image * (torch.rand_like(image[:, :1]) >= amount)


@final
class DenoisingLoss(Loss):
    """The model reads a corrupted image and has to give the clean one: D, and β·R if the belief has a rate.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Extracting and Composing Robust Features with Denoising Autoencoders (Vincent et al., 2008); with a rate:
    Denoising Criterion for Variational Auto-Encoding Framework (Im et al., 2017), arXiv:1511.06406. In evaluation mode,
    nothing is corrupted.
    """

    @accepts_keywords(DenoisingLossConfig)
    def __init__(self, config: DenoisingLossConfig) -> None:
        super().__init__()
        if config.corruption not in CORRUPTIONS:
            raise ConfigError(
                f"Expected a corruption, got {config.corruption!r}.",
                hint=suggest(config.corruption, CORRUPTIONS),
                value=config.corruption,
            )
        self.corruption, self.amount, self.beta = config.corruption, config.amount, config.beta

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        y = corrupted(batch.y, self.corruption, self.amount) if self.training else batch.y
        bound = model(replace(batch, y=y, x=batch.target))
        if not bound.latents.rate:
            return Terms(reconstruction(model, bound), reports_of(bound))
        rate = bound.rate.mean()
        loss = bound.distortion.mean() + self.beta * rate
        return Terms(loss, reports_of(bound, rate=rate))


def activity(z: Tensor) -> Tensor:
    """Returns the mean over images and cells of |z|/(1 + |z|), 0 to 1, for each latent: (B, D, ...) to (D,)."""
    size = z.float().abs()
    return (size / (1 + size)).movedim(1, 0).flatten(1).mean(1)


def rate_divergence(target: float, found: Tensor) -> Tensor:
    """Returns Σ_d KL(Bernoulli(target)‖Bernoulli(found_d)), nats."""
    found = found.clamp(1e-6, 1 - 1e-6)
    aim = torch.full_like(found, target)
    return (aim * (aim / found).log() + (1 - aim) * ((1 - aim) / (1 - found)).log()).sum()


@final
class SparseLoss(Loss):
    """D + weight · S: latents that are mostly near 0.

    S is Σ_d KL(ρ‖ρ̂_d), the divergence of each latent's mean activity in the batch from a target (``rate``), or Σ_d
    |z_d| (``l1``). The activity of a latent is |z|/(1 + |z|), since latents have a sign, while the units of the source
    have a sigmoid.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Sparse autoencoder, CS294A lecture notes (Ng, 2011), section 3.
    """

    @accepts_keywords(SparseLossConfig)
    def __init__(self, config: SparseLossConfig) -> None:
        super().__init__()
        if config.measure not in MEASURES:
            raise ConfigError(
                f"Expected a measure, got {config.measure!r}.",
                hint=suggest(config.measure, MEASURES),
                value=config.measure,
            )
        self.weight, self.measure, self.target = config.weight, config.measure, config.target

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound = model(batch)
        z = bound.latents.z[0][0]
        found = activity(z)
        sparsity = (
            rate_divergence(self.target, found) if self.measure == "rate" else z.float().abs().flatten(1).sum(1).mean()
        )
        reports = reports_of(bound, sparsity=sparsity, activity=found.mean())
        return Terms(reconstruction(model, bound) + self.weight * sparsity, reports)

"""Losses whose critic compares images with reconstructions."""

from __future__ import annotations

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from vaezoo.core import VAE, Batch, Bound, Loss, Phase, Terms, bound_reports, sum_rows
from vaezoo.core.facts import accepts_keywords

from .critics import PatchCritic, as_judged, hinge, telling_apart
from .facts import PatchGANLossConfig, VAEGANLossConfig

_REST = ("model.encoder", "model.refine", "model.prior", "model.conditioner")


@final
class VAEGANLoss(Loss):
    """VAE/GAN: reconstructs by the distance ½‖f(x) − f(x̂)‖² in the critic's last layer, beside the distortion D.

    The encoder minimises this distance plus the rate. The decoder minimises γ times the distance, and fools the critic
    with reconstructions and samples of the prior. The critic tells both from images. There are three phases, each with
    its own pass.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Autoencoding beyond pixels using a learned similarity metric (Larsen et al., 2015), algorithm 1,
    arXiv:1512.09300. Without a phase, the loss is the sum of all, so the encoder's weight of the features is 1 + γ.
    """

    phases = (Phase("encoder", _REST), Phase("decoder", ("model.decoder",)), Phase("critic", ("loss.critic",)))

    @accepts_keywords(VAEGANLossConfig)
    def __init__(self, config: VAEGANLossConfig) -> None:
        super().__init__()
        self.gamma, self.pixels = config.gamma, config.pixels
        self.critic = PatchCritic(config.image_channels, config.widths)

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        name = None if phase is None else phase.name
        with torch.set_grad_enabled(torch.is_grad_enabled() and name != "critic"):
            bound = model(batch)
            x_hat, x = bound.likelihood.image, batch.target
        loss, reports = bound.distortion.new_zeros(()), dict[str, Tensor]()
        if name != "critic":
            fooled, features = as_judged(self.critic, x_hat)
            distance = 0.5 * sum_rows((features - as_judged(self.critic, x)[1].detach()) ** 2).mean()
            reports = {"feature_distance": distance.detach()}
            distance = distance + self.pixels * bound.distortion.mean()
        if name in (None, "encoder"):
            loss = loss + bound.rate.mean() + distance
            reports |= bound_reports(bound)
        if name in (None, "decoder"):
            imagined = as_judged(self.critic, drawn_picture(model, bound))[0]
            fooling = F.softplus(-fooled).mean() + F.softplus(-imagined).mean()
            loss, reports = loss + self.gamma * distance + fooling, reports | {"fooling": fooling.detach()}
        if name in (None, "critic"):
            with torch.no_grad():
                imagined = drawn_picture(model, bound)
            made = torch.cat([self.critic(image)[0] for image in (x_hat.detach(), imagined)])
            confusion = telling_apart(self.critic(x)[0], made)
            loss, reports = loss + confusion, reports | {"critic_entropy": confusion.detach()}
        return Terms(loss, reports)


def drawn_picture(model: VAE, bound: Bound) -> Tensor:
    """Returns the mean image of one sample of the prior for each image of a batch, (B, C, H, W)."""
    return model.path(bound.context)[1].image


@final
class PatchGANLoss(Loss):
    """D + β·R + w·λ·E[−critic(x̂)]: the bound, and reconstructions that a patch critic takes for real images.

    λ is the adaptive weight ‖∇D‖/(‖∇critic‖ + 1e-4), at most 1e4, of the gradients of distortion and critic with
    respect to the last weight that the decoder registers. So w does not depend on the unit of D. Without gradients, as
    in validation, the critic does not count. The critic has a hinge loss and is trained from the first step on.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Taming Transformers for High-Resolution Image Synthesis (Esser et al., 2021), eq. 6 and 7, arXiv:2012.09841.
    There the critic too waits for ``start``. Without a phase, the loss is the sum of both.
    """

    phases = (Phase("model", ("model",)), Phase("critic", ("loss.critic",)))

    @accepts_keywords(PatchGANLossConfig)
    def __init__(self, config: PatchGANLossConfig) -> None:
        super().__init__()
        self.beta, self.weight, self.start = config.beta, config.weight, config.start
        self.critic = PatchCritic(config.image_channels, config.widths)

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        name = None if phase is None else phase.name
        with torch.set_grad_enabled(torch.is_grad_enabled() and name != "critic"):
            bound = model(batch)
            x_hat = bound.likelihood.image
        loss, reports = bound.distortion.new_zeros(()), dict[str, Tensor]()
        if name in (None, "model"):
            distortion = bound.distortion.mean()
            loss = distortion + self.beta * bound.rate.mean()
            reports = bound_reports(bound)
            if step >= self.start and self.weight:
                fooling = -as_judged(self.critic, x_hat)[0].mean()
                share = adaptive_weight(distortion, fooling, model)
                loss = loss + self.weight * share * fooling
                reports |= {"fooling": fooling.detach(), "adaptive_weight": share}
        if name in (None, "critic"):
            confusion = hinge(self.critic(batch.target)[0], self.critic(x_hat.detach())[0])
            loss, reports = loss + confusion, reports | {"critic_hinge": confusion.detach()}
        return Terms(loss, reports)


def adaptive_weight(distortion: Tensor, fooling: Tensor, model: VAE) -> Tensor:
    """Returns ‖∇distortion‖/(‖∇fooling‖ + 1e-4) at the decoder's last weight, from 0 to 1e4; 0 without gradients."""
    last = [p for p in model.decoder.parameters() if p.ndim > 1 and p.requires_grad][-1:]
    if not (last and distortion.requires_grad and fooling.requires_grad):
        return torch.zeros_like(distortion)
    ours, theirs = (
        torch.autograd.grad(term, last, retain_graph=True, materialize_grads=True)[0].float().norm()
        for term in (distortion, fooling)
    )
    return (ours / (theirs + 1e-4)).clamp(0, 1e4).detach()

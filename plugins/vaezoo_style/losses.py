"""The bound with a term that keeps the style out of the latents: MMD, gradient reversal, or a cycle.

A batch has its styles in ``cond`` or ``info``. If it has none, only the bound remains.
"""

from __future__ import annotations

import math
from typing import Any, final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaezoo.core import VAE, Batch, Bound, DiagonalGaussian, Loss, Noise, Phase, Terms, bound_reports
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import ConfigError, IncompatibleParts, ShapeError, suggest

from .facts import StyleCycleLossConfig, StyleMMDLossConfig, StyleReversalLossConfig


def told(batch: Batch, name: str) -> Tensor | None:
    """Returns a style from the batch, whether or not the model may see it."""
    return batch.cond.get(name, batch.info.get(name))


def _terms(bound: Bound, beta: float, term: Tensor | None, weight: float, **reports: Tensor) -> Terms:
    loss = bound.distortion.mean() + beta * bound.rate.mean()
    if term is not None:
        loss = loss + weight * term
    return Terms(loss, {**bound_reports(bound), **{name: value.detach() for name, value in reports.items()}})


def style_discrepancy(z: Tensor, style: Tensor) -> Tensor:
    """Returns the mean over styles of the unbiased estimate of MMD² between a style's latents and all others.

    The kernel is exp(−‖a−b‖²/D). Styles with fewer than two rows, or all but at most one, are left out. The value may
    be negative by chance.

    Args:
        z: Latents (B, D).
        style: Style classes, (B,) int64.

    Source: The Variational Fair Autoencoder (Louizos et al., 2015), section 2.2, arXiv:1511.00830; the estimate: A
    Kernel Two-Sample Test (Gretton et al., 2012), eq. 3.
    """
    kernel = torch.exp(-((z[:, None] - z[None]) ** 2).sum(2) / z.shape[1])
    own = (style[None] == style.unique()[:, None]).to(z)  # (S, B)
    own = own[(own.sum(1) >= 2) & (own.sum(1) <= len(z) - 2)]
    if not len(own):
        return z.sum() * 0
    others, apart = 1 - own, kernel - torch.diag(kernel.diagonal())

    def within(rows: Tensor) -> Tensor:
        count = rows.sum(1)
        return ((rows @ apart) * rows).sum(1) / (count * (count - 1))

    across = ((own @ kernel) * others).sum(1) / (own.sum(1) * others.sum(1))
    return (within(own) + within(others) - 2 * across).mean()


@final
class StyleMMDLoss(Loss):
    """D + β·R + λ·MMD² between the latents of each style class and those of the others.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: The Variational Fair Autoencoder (Louizos et al., 2015), section 2.2, arXiv:1511.00830, with the kernel
    itself instead of its random features.
    """

    @accepts_keywords(StyleMMDLossConfig)
    def __init__(self, config: StyleMMDLossConfig) -> None:
        super().__init__()
        self.weight, self.beta = config.weight, config.beta

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`."""
        bound, style = model(batch), told(batch, "style_class")
        if style is None:
            return _terms(bound, self.beta, None, 0)
        distance = style_discrepancy(bound.latents.z[0][0].flatten(1).float(), style)
        return _terms(bound, self.beta, distance, self.weight, style_mmd=distance)


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return z.view_as(z)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def reverse_gradient(z: Tensor, strength: float = 1.0) -> Tensor:
    """Returns z unchanged. In the backward pass its gradient is multiplied by −strength."""
    reversed_: Tensor = _Reverse.apply(z, strength)
    return reversed_


@final
class StyleReversalLoss(Loss):
    """D + β·R, with a critic that predicts the style from the latents. The encoder gets its gradient reversed.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Unsupervised Domain Adaptation by Backpropagation (Ganin and Lempitsky, 2015), arXiv:1409.7495.
    """

    @accepts_keywords(StyleReversalLossConfig)
    def __init__(self, config: StyleReversalLossConfig) -> None:
        super().__init__()
        if config.target not in ("code", "class"):
            raise ConfigError(
                f"Expected a target, code or class, got {config.target!r}.",
                hint=suggest(config.target, ("code", "class")),
                value=config.target,
            )
        self.target, self.weight, self.beta, self.warmup = config.target, config.weight, config.beta, config.warmup
        layers = [
            nn.Linear(config.latent_channels, config.hidden),
            nn.SiLU(),
            nn.Linear(config.hidden, config.hidden),
            nn.SiLU(),
        ]
        self.critic = nn.Sequential(*layers, nn.Linear(config.hidden, config.outputs))

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`.

        Raises:
            ShapeError: The codes of the batch do not have ``outputs`` components.
        """
        bound, style = model(batch), told(batch, f"style_{self.target}")
        if style is None:
            return _terms(bound, self.beta, None, 0)
        z = bound.latents.z[0][0].float()
        ramp = 2 / (1 + math.exp(-min(step / self.warmup, 50.0))) - 1 if self.warmup else 1.0
        found = self.critic(reverse_gradient(z.flatten(2).mean(2) if z.dim() > 2 else z, self.weight * ramp))
        if self.target == "class":
            error = F.cross_entropy(found.float(), style)
        elif style.shape != found.shape:
            raise ShapeError(
                f"Expected style_code of shape {tuple(found.shape)}, got {tuple(style.shape)}.",
                hint="Set loss.outputs to the numbers of a code.",
                value=tuple(style.shape),
            )
        else:
            error = F.mse_loss(found.float(), style.float())
        return _terms(bound, self.beta, error, 1.0, critic_error=error)


@final
class StyleCycleLoss(Loss):
    """D + β·R + λ·‖μ(x') − sg μ(x)‖²/2, where x' is x decoded in another image's style: both shall have the same code.

    The styles are those of the batch's next rows. The gradient of μ(x) is stopped, since all means would otherwise move
    together. If the context's vector comes from an image, the vector of x' is also pulled to the borrowed one.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: the cycle is in the spirit of Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
    Networks (Zhu et al., 2017), arXiv:1703.10593, closed in the latents instead of the pixels.
    """

    @accepts_keywords(StyleCycleLossConfig)
    def __init__(self, config: StyleCycleLossConfig) -> None:
        super().__init__()
        self.weight, self.beta = config.weight, config.beta

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`vaezoo.core.Loss.forward`.

        Raises:
            IncompatibleParts: The belief is not a diagonal Gaussian.
        """
        bound = model(batch)
        belief = bound.belief
        if not isinstance(belief, DiagonalGaussian):
            raise IncompatibleParts(
                f"Expected a DiagonalGaussian, got {type(belief).__name__}.",
                hint="Choose an encoder with a Gaussian belief.",
                value=type(belief).__name__,
            )
        if not any(name.startswith("style_") for name in batch.cond):
            return _terms(bound, self.beta, None, 0)
        borrowed = {name: value.roll(1, 0) for name, value in batch.cond.items()}
        context = model.context(batch.y, borrowed)
        latents = model.prior.infer(belief, context, 1, Noise(temperature=0))
        swapped = model.decode(latents, y=batch.y, cond=borrowed).image
        again = model.encode(swapped, y=batch.y, cond=borrowed)
        if not isinstance(again, DiagonalGaussian):
            raise IncompatibleParts(f"Expected a DiagonalGaussian again, got {type(again).__name__}.", value=again)
        drift = 0.5 * ((again.mean - belief.mean.detach()).float() ** 2).flatten(1).sum(1).mean()
        reports = {"content_drift": drift}
        if "style_reference" in borrowed and context.vector is not None:
            shown = model.context(batch.y, {**borrowed, "style_reference": swapped}).vector
            if shown is not None:
                reports["style_drift"] = ((shown - context.vector.detach()).float() ** 2).mean()
        return _terms(bound, self.beta, torch.stack(list(reports.values())).sum(), self.weight, **reports)

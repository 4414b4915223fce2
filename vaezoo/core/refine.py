"""The refinement slot: the optional last step of inference, which improves a belief by the image itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn

from vaezoo.core.beliefs.posterior import Posterior, Pyramid
from vaezoo.core.context import Context
from vaezoo.core.encoder import Encoder
from vaezoo.core.latents import Latents
from vaezoo.core.likelihood import Likelihood
from vaezoo.core.machine.arithmetic import check_gradients
from vaezoo.core.noise import Noise
from vaezoo.core.priors.prior import FlatPrior, Prior
from vaezoo.errors import IncompatibleParts

LogJoint: TypeAlias = Callable[[Tensor], Tensor]
"""Function from z (K, B, ...) to log p(x, z), (K, B) nats, for any K."""


class Refinement(ABC, nn.Module):
    """Moves samples of a posterior, or the posterior itself, towards p(z|x), by the gradient of log p(x, z)."""

    @abstractmethod
    def forward(
        self, belief: Posterior, log_joint: LogJoint, k: int = 1, noise: Noise | None = None, *, stride: int = 1
    ) -> tuple[Tensor, Tensor]:
        """Draws K refined samples per image.

        Args:
            belief: Belief of the encoder about B images. It has a density.
            log_joint: Function that computes log p(x, z).
            k: Number K of samples.
            noise: Source of all randomness. Auxiliary variables use levels above 0.
            stride: Pixels per latent cell.

        Returns:
            z (K, B, ...) and log q, (K, B) nats, such that the mean of exp(log p(x, z) − log q) is p(x). With auxiliary
            variables, log q includes their cost.
        """


def slope(log_joint: LogJoint, z: Tensor) -> Tensor:
    """Returns the gradient of log p(x, z) with respect to z, also where gradients are off.

    If gradients are on, the result can be differentiated again. The derivative is partial: all else that the function
    uses counts as constant, even if it was computed from z.

    Raises:
        ConfigError: ``torch.inference_mode`` is on, so there are no gradients.
    """
    check_gradients("A refinement")
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        point = z.view_as(z) if again and z.requires_grad else z.detach().requires_grad_()
        return torch.autograd.grad(log_joint(point).sum(), point, create_graph=again)[0]


def check_refinement(refine: Refinement | None, encoder: Encoder | None, prior: Prior) -> None:
    """Raises if a refinement has nothing to move, or no density to move it by.

    Raises:
        IncompatibleParts: The model has no encoder, or its prior is not flat.
    """
    if refine is not None and (encoder is None or not isinstance(prior, FlatPrior)):
        raise IncompatibleParts(
            f"{type(refine).__name__} needs an encoder and a flat prior, got "
            f"{'none' if encoder is None else type(encoder).__name__} and {type(prior).__name__}.",
            hint="Leave refine out.",
            value=type(prior).__name__,
        )


def infer_refined(
    refine: Refinement,
    belief: Posterior | Pyramid,
    prior: Prior,
    look: Callable[[Latents, Context, int], Likelihood],
    context: Context,
    x: Tensor,
    k: int,
    noise: Noise | None,
) -> Latents:
    """Returns K refined samples per image. Their rate is the mean of log q − log p over the samples.

    Args:
        refine: Refinement.
        belief: Belief to start from.
        prior: Flat prior.
        look: Decoder: function from latents, context and K to a likelihood.
        context: Context of B images.
        x: Images (B, C, H, W).
        k: Number K of samples.
        noise: Source of the samples' noise.

    Raises:
        IncompatibleParts: The belief or the prior has no density of z.
    """
    if isinstance(belief, Pyramid) or not isinstance(prior, FlatPrior):
        raise IncompatibleParts(
            f"{type(refine).__name__} takes a posterior under a flat prior, got {type(belief).__name__} and "
            f"{type(prior).__name__}.",
            hint="Leave refine out.",
            value=type(belief).__name__,
        )

    def log_joint(z: Tensor) -> Tensor:
        z = z.to(x.dtype)
        seen = look(Latents((z,), prior.state(z)), context, z.shape[0])
        return seen.log_prob(x) + prior.log_prob(z, context)

    z, log_q = refine(belief, log_joint, k, noise, stride=prior.latent_stride or 1)
    z = z.to(x.dtype)
    log_p = prior.weigh(z, context, noise or Noise())
    return Latents((z,), prior.state(z), ((log_q - log_p).mean(0),), log_p, log_q)

"""Hamiltonian refinement: leapfrog steps with a momentum that is cooled on the way."""

from __future__ import annotations

from typing import final

from torch import Tensor

from vaezoo.core import LogJoint, Noise, Posterior, Refinement, slope
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import NotNormalised

from .facts import HamiltonianRefinementConfig
from .tempering import MOMENTUM, Tempering


def drawn(belief: Posterior, k: int, noise: Noise, stride: int) -> tuple[Tensor, Tensor]:
    """Returns samples (K, B, ...) in fp32 and their log density, (K, B) nats.

    Raises:
        NotNormalised: The belief has no density.
    """
    z, log_q = belief.sample(k, noise, stride=stride)
    if log_q is None:
        raise NotNormalised(
            f"A Hamiltonian refinement begins at a draw with a density, but {type(belief).__name__} has none.",
            hint="Choose an encoder with a Gaussian posterior, or leave refine out.",
            value=type(belief).__name__,
        )
    return z.float(), log_q


def leapfrog(log_joint: LogJoint, z: Tensor, momentum: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
    """Returns z and momentum (K, B, ...) after one step with H = −log p(x, z) + ½ρᵀρ. It has determinant 1."""
    momentum = momentum + 0.5 * step * slope(log_joint, z)
    z = z + step * momentum
    return z, momentum + 0.5 * step * slope(log_joint, z)


@final
class HamiltonianRefinement(Refinement):
    """Moves each sample z₀ by K leapfrog steps on log p(x, z), from a momentum ρ₀ = γ/√β₀, γ ~ N(0, I).

    After step k the momentum is multiplied by √(β_{k−1}/β_k), so that it is N(0, I) at the end. The product of these
    factors, √β₀, cancels the initial widening of ρ₀, so β₀ does not appear in the density:

        log q = log q(z₀|x) + log N(γ; 0, I) − log N(ρ_K; 0, I)

    and the mean of p(x, z_K)/q is p(x), for any number of steps. Gradients go through the steps, by second derivatives.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Hamiltonian Variational Auto-Encoder (Caterini et al., 2018), algorithm 1, arXiv:1805.11328.
    """

    @accepts_keywords(HamiltonianRefinementConfig)
    def __init__(self, config: HamiltonianRefinementConfig) -> None:
        super().__init__()
        self.tempering = Tempering(
            config.latent_channels, config.steps, config.step_size, config.largest_step, config.start
        )

    def forward(
        self, belief: Posterior, log_joint: LogJoint, k: int = 1, noise: Noise | None = None, *, stride: int = 1
    ) -> tuple[Tensor, Tensor]:
        """See :meth:`vaezoo.core.Refinement.forward`."""
        noise = noise or Noise()
        z, log_q = drawn(belief, k, noise, stride)
        gamma = noise.normal(tuple(z.shape), z, level=MOMENTUM, stride=stride)
        momentum = gamma * self.tempering.first()
        step = self.tempering.step().view(-1, *[1] * (z.dim() - 3))
        for number in range(1, self.tempering.steps + 1):
            z, momentum = leapfrog(log_joint, z, momentum, step)
            momentum = momentum * self.tempering.cooling(number)
        gained = 0.5 * (momentum**2 - gamma**2).flatten(2).sum(2)
        return z, log_q + gained

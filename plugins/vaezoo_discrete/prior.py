"""Uniform priors over classes, and the schedule of the relaxation's temperature."""

from __future__ import annotations

from typing import cast, final

import torch
from torch import Tensor, nn

from vaezoo.core import Axis, Context, DiagonalGaussian, Latents, Noise, Posterior, Prior, Pyramid
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import IncompatibleParts

from .facts import CategoricalPriorConfig, JointPriorConfig, check_schedule
from .posterior import Categorical, GaussianCategorical, relaxed


@final
class Schedule(nn.Module):
    """τ = max(least, temperature · exp(−decay · n)) after n uses in training. It is constant in evaluation.

    Args:
        temperature: Initial temperature τ.
        least: Lowest temperature.
        decay: Decay per use in training.
    """

    uses: Tensor

    def __init__(self, temperature: float, least: float, decay: float) -> None:
        super().__init__()
        check_schedule(temperature, least, decay)
        self.first, self.least, self.decay = temperature, least, decay
        self.register_buffer("uses", torch.zeros((), dtype=torch.int64))

    def now(self) -> Tensor:
        """Returns the temperature τ, a scalar."""
        return (self.first * torch.exp(-self.decay * self.uses.float())).clamp_min(self.least)

    def forward(self) -> Tensor:
        """Returns the temperature τ. In training it also counts a use."""
        temperature = self.now()
        if self.training:
            self.uses += 1
        return temperature


def _zeros(context: Context, channels: int, stride: int | None, like: Tensor) -> Tensor:
    grid = () if stride is None else tuple(-(-side // stride) for side in context.size)
    return torch.zeros((context.batch, channels, *grid), device=like.device, dtype=like.dtype)


def _variable(number: int, first: int, classes: int) -> Axis:
    return Axis(f"class {number}", tuple(range(first, first + classes)), classes=classes)


@final
class CategoricalPrior(Prior):
    """Uniform over the classes of D / C variables.

    Straight-through latents are one-hot. The rate is the exact divergence of categorical distributions, and the bound
    and the importance-weighted NLL are those of the discrete model; only the gradient is biased. ``log_p`` and
    ``log_q`` are then log probabilities, not densities. Relaxed latents are points of simplices. Prior and posterior
    are then Concrete distributions with one temperature. The rate is a Monte Carlo estimate, in expectation at least
    the categorical one. Bound, NLL and gradient are right for the relaxed model, which is another model.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.
    """

    geometry = "on classes, or in simplices between them"
    device_of: Tensor

    @accepts_keywords(CategoricalPriorConfig)
    def __init__(self, config: CategoricalPriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.classes = config.classes
        self.straight_through = config.straight_through
        self.schedule = Schedule(config.temperature, config.least, config.decay)
        self.register_buffer("device_of", torch.zeros(()), persistent=False)

    def infer(self, belief: Posterior | Pyramid, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`vaezoo.core.Prior.infer`."""
        temperature = self.schedule()
        q = relaxed(cast(Categorical, belief), temperature, self.straight_through)
        z, log_q = q.sample(k, noise, stride=self.latent_stride or 1)
        log_p = self._law(torch.zeros_like(q.logits), temperature).log_prob(z)
        rate = q.rate() if self.straight_through else (log_q - log_p).mean(0)
        return Latents((z,), z.flatten(0, 1), (rate,), log_p, log_q)

    def sample(self, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`vaezoo.core.Prior.sample`. For temperature 0 of the noise, see :meth:`Categorical.sample`."""
        logits = _zeros(context, self.latent_channels, self.latent_stride, self.device_of)
        z, log_p = self._law(logits, self.schedule.now()).sample(k, noise, stride=self.latent_stride or 1)
        return Latents((z,), z.flatten(0, 1), log_p=log_p)

    def axes(self, z: tuple[Tensor, ...], level: int = 0) -> tuple[Axis, ...]:
        """See :meth:`vaezoo.core.Prior.axes`: one axis for each variable."""
        if level:
            raise IncompatibleParts(f"CategoricalPrior has one level, 0, got level {level}.", value=level)
        firsts = range(0, self.latent_channels, self.classes)
        return tuple(_variable(number, first, self.classes) for number, first in enumerate(firsts))

    def _law(self, logits: Tensor, temperature: Tensor) -> Categorical:
        return Categorical(logits, self.classes, temperature, self.straight_through)


@final
class JointPrior(Prior):
    """N(0, I) with one uniform categorical variable. The two rates are levels, so that a loss can weight each.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: Learning Disentangled Joint Continuous and Discrete Representations (Dupont, 2018), arXiv:1804.00104.
    """

    geometry = "on classes beside real numbers"
    device_of: Tensor

    @accepts_keywords(JointPriorConfig)
    def __init__(self, config: JointPriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.classes = config.classes
        self.straight_through = config.straight_through
        self.schedule = Schedule(config.temperature, config.least, config.decay)
        self.register_buffer("device_of", torch.zeros(()), persistent=False)

    def infer(self, belief: Posterior | Pyramid, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`vaezoo.core.Prior.infer`. The rates are the Gaussian's and the categorical's."""
        temperature = self.schedule()
        q = cast(GaussianCategorical, belief).relaxed(temperature, self.straight_through)
        z, log_q = q.sample(k, noise, stride=self.latent_stride or 1)
        p = self._law(torch.zeros_like(q.mean), temperature)
        log_p = p.log_prob(z)
        gaussian, categorical = q.rates()
        if not self.straight_through:
            classes = z[:, :, -self.classes :]
            categorical = (q.categorical.log_prob(classes) - p.categorical.log_prob(classes)).mean(0)
        return Latents((z,), z.flatten(0, 1), (gaussian, categorical), log_p, log_q)

    def sample(self, context: Context, k: int = 1, noise: Noise | None = None) -> Latents:
        """See :meth:`vaezoo.core.Prior.sample`."""
        zeros = _zeros(context, self.latent_channels, self.latent_stride, self.device_of)
        z, log_p = self._law(zeros, self.schedule.now()).sample(k, noise, stride=self.latent_stride or 1)
        return Latents((z,), z.flatten(0, 1), log_p=log_p)

    def axes(self, z: tuple[Tensor, ...], level: int = 0) -> tuple[Axis, ...]:
        """See :meth:`vaezoo.core.Prior.axes`: the Gaussian latents, then the variable."""
        if level:
            raise IncompatibleParts(f"JointPrior has one level, 0, got level {level}.", value=level)
        gaussian = self.latent_channels - self.classes
        return (*(Axis(f"z{i}", (i,)) for i in range(gaussian)), _variable(0, gaussian, self.classes))

    def _law(self, zeros: Tensor, temperature: Tensor) -> GaussianCategorical:
        gaussian, logits = zeros.split([zeros.shape[1] - self.classes, self.classes], 1)
        categorical = Categorical(logits, self.classes, temperature, self.straight_through)
        return GaussianCategorical(DiagonalGaussian(gaussian, gaussian), categorical)

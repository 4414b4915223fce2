"""The loss of a conditional restoration model: an accurate mean path, a calibrated scale, and the bound."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor

from vaezoo.core.context import Batch
from vaezoo.core.facts import accepts_keywords
from vaezoo.core.facts.builtin import RestorationLossConfig
from vaezoo.core.likelihood import Gaussian, Likelihood
from vaezoo.core.losses.loss import Loss, Phase, Terms, bound_reports
from vaezoo.core.noise import Noise
from vaezoo.errors import IncompatibleParts, ShapeError

if TYPE_CHECKING:
    from vaezoo.core.vae import VAE


def _per_pixel(tensor: Tensor) -> Tensor:
    """Returns the mean over pixels and channels, (B, C, H, W) to (B,), in fp32."""
    return tensor.float().flatten(1).mean(1)


def _log_score(squares: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (squares * torch.exp(-logvar) + logvar)


def ranked_score(error: Tensor, scale: Tensor) -> Tensor:
    """Returns the CRPS of each error under a normal distribution of standard deviation ``scale``, in their unit.

    Source: Strictly Proper Scoring Rules, Prediction, and Estimation (Gneiting and Raftery, 2007), section 4.2.
    """
    z = error / scale
    density = torch.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    score: Tensor = scale * (z * torch.erf(z / math.sqrt(2)) + 2 * density - 1 / math.sqrt(math.pi))
    return score


def _ranked_score(squares: Tensor, logvar: Tensor) -> Tensor:
    scale = torch.exp(0.5 * logvar)
    return ranked_score(squares.sqrt(), scale) / scale.detach()


def widened(likelihood: Gaussian, noise: Tensor | None) -> Gaussian:
    """Returns the likelihood of a target with further independent noise, of standard deviation (B,) or None."""
    if noise is None:
        return likelihood
    variance = (noise.float() ** 2)[:, None, None, None]
    return Gaussian(likelihood.image, torch.logaddexp(likelihood.logvar.float(), variance.log()))


def expect_gaussian(likelihood: Likelihood, loss: str) -> Gaussian:
    """Returns a likelihood if it is Gaussian, for losses that need a mean and a scale per pixel.

    Raises:
        IncompatibleParts: The likelihood is not Gaussian.
    """
    if not isinstance(likelihood, Gaussian):
        raise IncompatibleParts(
            f"{loss} takes a Gaussian likelihood, but the decoder gives {type(likelihood).__name__}.",
            hint="Set the decoder's likelihood to gaussian and its scale to pixel.",
            value=type(likelihood).__name__,
        )
    return likelihood


@final
class RestorationLoss(Loss):
    """A weighted sum of mean path, scale, bound and samples. Each image is weighted by its difficulty.

    Let e = x − x̂, s = log σ² of the head, w = 1/(rms(y − x) + 5/255), and n the number of values of an image. If the
    model enlarges, y is the enlarged image of its context. The terms are:

    - mean path (z at the prior's centre): ``mean_weight`` · w · mean e²;
    - its scale: ``scale_weight`` · mean ½ (sg(e²)·exp(−s) + s), where sg stops the gradient. With ``robust`` it is the
    mean of CRPS(N(x̂, σ²), x) / sg(σ), which is less sensitive to outliers, such as drawings among photos;
    - bound (z from the posterior): ``bound_weight`` · 40 · w · sg(mean σ²) · (D + β·R)/n. The stopped factor keeps the
    balance of rate and distortion within an image, and gives hard and easy images gradients of the size of the
    squared error's;
    - samples (z from the prior): ``sample_weight`` · w · mean (x − m)², where m is the mean of two samples with
    opposite noise. It makes the mean of many samples as accurate as the mean path.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    A target may be noisy itself, with independent noise of standard deviation ``batch.info["target_sigma"]`` (B,). The
    likelihood is then that of the noisy target, N(x̂, σ² + its variance), and σ remains that of the clean image.

    Source: the weighting is in the spirit of On the Pitfalls of Heteroscedastic Uncertainty Estimation (Seitzer
    et al., 2022), arXiv:2203.09168; the bound: Learning Structured Output Representation using Deep Conditional
    Generative Models (Sohn et al., 2015), eq. 4.
    """

    @accepts_keywords(RestorationLossConfig)
    def __init__(self, config: RestorationLossConfig) -> None:
        super().__init__()
        self.mean_weight, self.scale_weight = config.mean_weight, config.scale_weight
        self.bound_weight = config.bound_weight
        self.beta, self.bound_every, self.sample_weight = config.beta, config.bound_every, config.sample_weight
        self.margin, self.robust = config.margin, config.robust

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        """See :meth:`Loss.forward`.

        Raises:
            IncompatibleParts: The decoder's likelihood is not Gaussian.
        """
        x = batch.target
        with_bound = self.bound_weight > 0 and step % self.bound_every == 0
        bound = model(batch) if with_bound else None
        context = bound.context if bound is not None else model.context(batch.y, batch.cond)
        weight = 1 / (_per_pixel((context.start(batch.y) - x) ** 2).sqrt() + 5 / 255)
        _, likelihood = model.path(context, noise=Noise(temperature=0))
        noise = batch.info.get("target_sigma")
        gaussian = widened(expect_gaussian(likelihood, "RestorationLoss"), noise)
        error = (x.float() - gaussian.image.float()) ** 2
        mean = (weight * _per_pixel(error)).mean()
        inner, logvar = self._inner(error.detach()), self._inner(gaussian.logvar.float().expand_as(error))
        rule = _ranked_score if self.robust else _log_score
        scale = rule(inner, logvar).mean()
        loss = self.mean_weight * mean + self.scale_weight * scale
        squares = _per_pixel(error.detach()) - (0 if noise is None else noise**2)
        reports = {"psnr_db": -10 * torch.log10(squares.clamp_min(1e-10)).mean(), "scale": scale.detach()}
        if bound is not None:
            seen = widened(expect_gaussian(bound.likelihood, "RestorationLoss"), noise)
            if noise is not None:
                log_likelihood = seen.log_prob(x)
                bound = replace(bound, log_likelihood=log_likelihood, distortion=-log_likelihood.mean(0))
            variance = _per_pixel(seen.scale.detach() ** 2)
            distortion = bound.distortion
            if self.margin:
                target = self._inner(x)
                inside = Gaussian(self._inner(seen.image), self._inner(seen.logvar.expand_as(seen.image)))
                distortion = -inside.log_prob(target).mean(0) * (x.numel() / target.numel())
            per_value = (distortion + self.beta * bound.rate) / x[0].numel()
            loss = loss + self.bound_weight * self.bound_every * (40 * weight * variance * per_value).mean()
            reports |= bound_reports(bound)
        if self.sample_weight > 0 and step % self.bound_every == 0:
            pair = Noise(seed=int(torch.randint(2**31, ())), paired=True)
            samples = expect_gaussian(model.path(context, 2, pair)[1], "RestorationLoss").image.float()
            off = _per_pixel((x.float() - samples.view(2, *x.shape).mean(0)) ** 2)
            loss = loss + self.sample_weight * self.bound_every * (weight * off).mean()
            reports["pair_psnr_db"] = -10 * torch.log10(off.detach().clamp_min(1e-10)).mean()
        return Terms(loss, reports)

    def _inner(self, values: Tensor) -> Tensor:
        """Crops the margin off (..., H, W).

        Raises:
            ShapeError: Nothing is left.
        """
        height, width = values.shape[-2:]
        if 2 * self.margin >= min(height, width):
            raise ShapeError(
                f"Expected patches of more than {2 * self.margin} pixels for a margin of {self.margin}, got "
                f"{height}×{width}.",
                hint="Lower loss.margin or raise data.patch.", value=(height, width),
            )  # fmt: skip
        return values[..., self.margin : height - self.margin, self.margin : width - self.margin]

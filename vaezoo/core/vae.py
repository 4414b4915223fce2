"""The class that joins encoder, prior, decoder and conditioner. It has no loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from vaezoo.core.beliefs.posterior import Posterior, Pyramid
from vaezoo.core.conditioner import Conditioner
from vaezoo.core.context import Batch, Conditions, Context, Size, check_conditions, check_sizes, wanted_size
from vaezoo.core.decoder import Decoder
from vaezoo.core.encoder import Encoder
from vaezoo.core.latents import Latents
from vaezoo.core.likelihood import Likelihood, check_density
from vaezoo.core.machine.arithmetic import CACHED_PIXELS, keep_freed_memory
from vaezoo.core.noise import Noise
from vaezoo.core.parts import check_parts
from vaezoo.core.priors.prior import Prior
from vaezoo.core.refine import Refinement, check_refinement, infer_refined
from vaezoo.core.results import Bound, Restored, mean_and_spread
from vaezoo.core.shapes import check_dtype, check_image, check_shape, count_of, one_row, pad_to_stride
from vaezoo.errors import ConfigError, IncompatibleParts, ShapeError, TrainingError


@final
class VAE(nn.Module):
    """An encoder, a prior and a decoder, and optionally a conditioner and a refinement.

    The model pads every image to a multiple of the parts' strides and crops the result. The parts never do.

    Args:
        encoder: Encoder. None is allowed for a conditional model that only restores.
        prior: Prior, from belief to state.
        decoder: Decoder, from state to likelihood.
        conditioner: Conditioner, from the degraded image and labels to a context.
        encodes: Image that the encoder reads. ``input`` is y: ``restore`` then goes through q(z|y). ``target`` is x:
            then only training needs the encoder, and ``restore`` goes through the prior p(z|y).
        refine: Refinement of the posterior. The bound, the NLL and ``reconstruct``, which know x, use it.
        default_size: (H, W) of samples if no size is given.

    Attributes:
        channels: Number of image channels C.
        stride: Pixels that heights and widths are padded to a multiple of.
        size: The only (H, W) that the model takes, or None for any.
        enlarges: Factors by which the image may be larger than y; see :class:`vaezoo.core.Conditioner`. Empty: none.
        origin: How the model was made. Whoever makes it sets this; nothing here reads it.
        watch: List to which `forward` appends each bound, or None. So an objective sees the bounds its loss computes.

    Raises:
        ConfigError: ``encodes`` is neither ``input`` nor ``target``.
        IncompatibleParts: The parts cannot work together.
    """

    def __init__(
        self,
        *,
        encoder: Encoder | None,
        prior: Prior,
        decoder: Decoder,
        conditioner: Conditioner | None = None,
        encodes: Literal["input", "target"] = "input",
        default_size: Size | None = None,
        refine: Refinement | None = None,
    ) -> None:
        super().__init__()
        only = check_parts(encoder, decoder, conditioner, encodes)
        check_refinement(refine, encoder, prior)
        self.conditioner, self.encoder, self.prior, self.decoder = conditioner, encoder, prior, decoder
        self.refine, self.encodes = refine, encodes
        if encoder is not None:
            prior.bind(encoder)
        self.channels = decoder.channels
        self.stride = math.lcm(*(p.stride for p in (encoder, decoder, conditioner) if p is not None))
        mirror = conditioner is not None and conditioner.channels is not None  # so that noise goes on as noise
        self._pad = partial(pad_to_stride, stride=self.stride, mirror=mirror)
        self.size, self.default_size = only, only or default_size
        self.enlarges = () if conditioner is None else conditioner.enlarges
        self.origin: Any = None
        self.watch: list[Bound] | None = None

    def forward(self, batch: Batch, k: int = 1, noise: Noise | None = None) -> Bound:
        """Computes the bound of a batch, in nats per image.

        Args:
            batch: Images. Only shapes are checked, since training calls this at every step.
            k: Number of posterior samples per image.
            noise: Source of the samples' noise.

        Raises:
            ShapeError: An image has the wrong shape, or x does not have the size that the model makes of y.
            IncompatibleParts: The model has no encoder.
        """
        self._check_pair(batch, check_shape)
        context = self.context(batch.y, batch.cond)
        check_sizes(batch, context)
        belief = self._believe(batch.y if self.encodes == "input" else batch.target, context)
        bound = self._bound(belief, context, batch.target, k, noise)
        if self.watch is not None:
            self.watch.append(bound)
        return bound

    def _bound(self, belief: Posterior | Pyramid, context: Context, x: Tensor, k: int, noise: Noise | None) -> Bound:
        latents = self._infer(belief, context, x, k, noise)
        likelihood = self._look(latents, context, k)
        log_likelihood = likelihood.log_prob(x)
        distortion = -log_likelihood.mean(0)
        rate = sum(latents.rate[1:], latents.rate[0]) if latents.rate else torch.full_like(distortion, math.nan)
        return Bound(context, belief, latents, likelihood, log_likelihood, distortion, rate)

    def _infer(self, belief: Posterior | Pyramid, context: Context, x: Tensor, k: int, noise: Noise | None) -> Latents:
        if self.refine is None:
            return self.prior.infer(belief, context, k, noise)
        return infer_refined(self.refine, belief, self.prior, self._look, context, x, k, noise)

    @torch.no_grad()
    def nll(self, batch: Batch, k: int = 100, *, chunk: int | None = None, noise: Noise | None = None) -> Tensor:
        """Estimates −log p(x) by importance sampling. The image is encoded once.

        −log p(x) ≤ E[ −log 1/K Σ_k w_k ], and the gap closes as K grows.

        Args:
            batch: Images. They must be binary for a Bernoulli likelihood.
            k: Number K of importance samples.
            chunk: Samples at once. More take more memory; the result is the same. None: see :data:`CACHED_PIXELS`.
            noise: Source of the samples' noise, at temperature 1.

        Returns:
            Nats per image, (B,). Smaller is better.

        Raises:
            ShapeError: An image cannot be taken, or x does not have the size that the model makes of y.
            ConfigError: ``k`` or ``chunk`` is below 1, or the temperature is not 1.
            NotNormalised: The likelihood or the posterior has no density, or the pixels are not binary.
            TrainingError: The model is in training mode.

        Source: Importance Weighted Autoencoders (Burda et al., 2015), eq. 8, arXiv:1509.00519.
        """
        if self.training:
            message = "Expected a model in evaluation mode for its NLL, got one in training mode."
            raise TrainingError(message, hint="Call model.eval().", value=self.training)
        y, x = self._check_pair(batch, check_image)
        chunk = max(1, CACHED_PIXELS // x.numel()) if chunk is None else chunk
        if k < 1 or chunk < 1:
            raise ConfigError(f"Expected k and chunk of at least 1, got {k} and {chunk}.", value=(k, chunk))
        noise = (noise or Noise()).check_exact("an NLL")
        context = self.context(y, batch.cond)
        check_sizes(batch, context)
        belief = self._believe(y if self.encodes == "input" else x, context)
        keep_freed_memory()
        total = x.new_full((x.shape[0],), -math.inf, dtype=torch.float32)
        for start in range(0, k, chunk):
            bound = self._bound(belief, context, x, min(chunk, k - start), noise.at(start))
            if start == 0:
                check_density(bound.likelihood, x)
            total = torch.logaddexp(total, torch.logsumexp(bound.log_weight, 0))
        return math.log(k) - total

    def context(self, y: Tensor, cond: Conditions | None = None) -> Context:
        """Returns the context of y (B, C, H, W): the conditioner's output at the padded size.

        Raises:
            ShapeError: A condition is unknown, or has the wrong shape.
        """
        visible = (y.shape[2], y.shape[3])
        padded = self._pad(y)
        cond = {n: self._pad(c) if c.dim() == 4 else c for n, c in (cond or {}).items()}
        check_conditions(cond, () if self.conditioner is None else self.conditioner.takes)
        if self.conditioner is None:
            return Context(y.shape[0], (padded.shape[2], padded.shape[3]), visible=visible)
        context: Context = self.conditioner(padded, cond)
        return replace(context, visible=(visible[0] * context.factor, visible[1] * context.factor))

    def path(self, context: Context, k: int = 1, noise: Noise | None = None) -> tuple[Latents, Likelihood]:
        """Goes from the prior to the image, K times. Temperature 0 gives the mean path."""
        latents = self.prior.sample(context, k, noise)
        return latents, self._look(latents, context, k)

    def _believe(self, image: Tensor, context: Context) -> Posterior | Pyramid:
        if self.encoder is None:
            message = "This model has no encoder: it restores, but has no posterior."
            raise IncompatibleParts(message, hint="Load a file with its encoder.", value=self.encodes)
        seen = image if self.encoder.size is not None else self._pad(image, stride=self.stride * context.factor)
        return self.encoder(seen, context)

    def _look(self, latents: Latents, context: Context, k: int) -> Likelihood:
        return self.decoder(latents.state, context.repeat(k)).crop(context.visible or context.size)

    def _check(self, image: object, what: str = "y", check: Callable[..., Tensor] = check_image) -> Tensor:
        checked = check(image, self.channels, self.size, what=what)
        return check_dtype(checked, next((p.dtype for p in self.parameters()), checked.dtype), what)

    def _check_pair(self, batch: Batch, check: Callable[..., Tensor]) -> tuple[Tensor, Tensor]:
        """Checks y and x and returns them."""
        y = self._check(batch.y, "y", check)
        return y, y if batch.x is None else self._check(batch.x, "x", check)

    def encode(self, image: Tensor, *, y: Tensor | None = None, cond: Conditions | None = None) -> Posterior | Pyramid:
        """Returns the belief about the latents of an image.

        Args:
            image: Image (B, C, H, W) in [0, 1]. If the model enlarges, it is as large as the model makes y.
            y: Degraded version of the image, for a conditional model. None means the image itself.
            cond: Other conditions.

        Raises:
            ShapeError: The image cannot be taken.
        """
        image = self._check(image, "image")
        context = self.context(image if y is None else self._check(y), cond)
        check_sizes(Batch(image if y is None else y, image), context)
        return self._believe(image, context)

    def decode(
        self,
        latents: Latents | Tensor,
        *,
        y: Tensor | None = None,
        cond: Conditions | None = None,
        size: Size | None = None,
    ) -> Likelihood:
        """Returns p(x|z).

        Args:
            latents: Result of ``prior.infer``, or a state. For flat priors, z itself, (N, D) or (N, D, h, w).
            y: Degraded image, for a conditional model.
            cond: Other conditions.
            size: (H, W) to crop to. None means the size of y, or else the model's default size.

        Raises:
            ShapeError: The rows of the latents are not a multiple of y's, or a size is missing or impossible.
        """
        state = latents.state if isinstance(latents, Latents) else latents
        rows = state.shape[0]
        context = self._imagined(rows, y, cond, size, state)
        if rows % context.batch:
            raise ShapeError(f"Expected latents with a multiple of y's {context.batch} rows, got {rows}.", value=rows)
        return self.decoder(state, context.repeat(rows // context.batch)).crop(context.visible or context.size)

    def _imagined(
        self, rows: int, y: Tensor | None, cond: Conditions | None, size: Size | None, like: Tensor | None
    ) -> Context:
        if y is not None:
            return self.context(self._check(y), cond)
        if self.conditioner is not None and self.conditioner.channels is not None:
            message = "Expected y, the degraded image this model is conditioned on, got none."
            raise ShapeError(message, hint="Pass y=(B, C, H, W).", value=y)
        size = wanted_size(size, self.size, self.default_size)
        like = next(self.parameters(), torch.zeros(())) if like is None else like
        return self.context(like.new_zeros((rows, self.channels, *size)), cond)

    @torch.no_grad()
    def sample(
        self,
        n: int = 1,
        *,
        y: Tensor | None = None,
        cond: Conditions | None = None,
        size: Size | None = None,
        noise: Noise | None = None,
    ) -> Tensor:
        """Returns the mean images of n samples of the prior.

        Args:
            n: Number of samples, for each image of y if y is given.
            y: Degraded image (B, C, H, W), for a conditional model.
            cond: Other conditions, with n rows.
            size: (H, W) of the images. None means the size of y, or else the model's default size.
            noise: Source of the samples' noise.

        Returns:
            Images in [0, 1], (n, C, H, W), or (n·B, C, H, W) with the sample index slow.

        Raises:
            ShapeError: A size or y is missing or impossible, or a condition is unknown.
            ConfigError: ``n`` is not a whole number of at least 1.
        """
        n = count_of(n, "n")
        context = self._imagined(n or 1, y, cond if n else one_row(cond), size, None)
        _, likelihood = self.path(context, (n or 1) if y is not None else 1, noise)
        return likelihood.image.clamp(0, 1)[: None if n else 0]

    @torch.no_grad()
    def reconstruct(self, x: Tensor, *, y: Tensor | None = None, cond: Conditions | None = None) -> Tensor:
        """Returns the mean image at the posterior's centre, (B, C, H, W) in [0, 1].

        Args:
            x: Image (B, C, H, W).
            y: Degraded version of x, for a conditional model. None means x itself.
            cond: Other conditions.
        """
        x = self._check(x, "x")
        context = self.context(x if y is None else self._check(y), cond)
        check_sizes(Batch(x if y is None else y, x), context)
        latents = self._infer(self._believe(x, context), context, x, 1, Noise(temperature=0))
        return self._look(latents, context, 1).image.clamp(0, 1)

    @torch.no_grad()
    def restore(
        self,
        y: Tensor,
        cond: Conditions | None = None,
        *,
        samples: int = 0,
        keep: bool = False,
        noise: Noise | None = None,
    ) -> Restored:
        """Restores a degraded image of any size.

        Args:
            y: Degraded image (B, C, H, W) in [0, 1]; noise may exceed it.
            cond: Other conditions.
            samples: Number of samples for ``average`` and ``spread``. Memory does not grow with it.
            keep: Whether to return the samples too.
            noise: Source of the samples' noise.

        Returns:
            Mean path, its scale, and the statistics of the samples.

        Raises:
            ShapeError: y cannot be taken. The message says why.
            ConfigError: ``samples`` is negative.
        """
        y = self._check(y)
        if samples < 0:
            raise ConfigError(f"Expected samples of at least 0, got {samples}.", value=samples)
        context = self.context(y, cond)
        belief = self._believe(y, context) if self.encodes == "input" else None
        centre = self._restore_once(belief, context, Noise(temperature=0))
        image = centre.image.clamp(0, 1)
        scale = None if centre.scale is None else centre.scale.expand_as(image)
        if not samples:
            return Restored(image, scale)
        noise = noise or Noise()
        drawn = (self._restore_once(belief, context, noise.at(i)).image.clamp(0, 1) for i in range(samples))
        return Restored(image, scale, *mean_and_spread(drawn, paired=noise.paired, keep=keep))

    def _restore_once(self, belief: Posterior | Pyramid | None, context: Context, noise: Noise) -> Likelihood:
        if belief is None:
            return self.path(context, 1, noise)[1]
        return self._look(self.prior.infer(belief, context, 1, noise), context, 1)

    def extra_repr(self) -> str:
        """Returns the text in ``repr`` that the parts do not show."""
        return f"channels={self.channels!r}, stride={self.stride!r}, size={self.size!r}, encodes={self.encodes!r}"

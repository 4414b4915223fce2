"""A mixture of the posteriors of a few images, which are learned or given."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn

from vaezoo.core import Context, DiagonalGaussian, Encoder, FlatPrior, mixture_draw, mixture_log_prob, pad_to_stride
from vaezoo.core.facts import accepts_keywords
from vaezoo.errors import IncompatibleParts, ShapeError

from .facts import VampPriorConfig


@final
class VampPrior(FlatPrior):
    """p(z) = 1/C Σ_c q(z|u_c), the mean of the encoder's posteriors for C images u_c.

        u_1 … u_C ─► encoder ─► q(z|u_1) … q(z|u_C) ─► mean ─► p(z)

    The images are learned or, with ``exemplar``, given once and fixed: training takes them from its data, or call
    :meth:`show`. The rate is the mean of log q − log p over samples. On a grid, cells are independent, and each cell of
    each image is a component. The encoder sees the images at every use, with gradients: C more images for each batch.

    Args:
        config: Configuration. Its fields can also be given as keyword arguments.

    Source: VAE with a VampPrior (Tomczak and Welling, 2018), eq. 9, and section 5.2 for given pictures ("VampPrior
    data"), arXiv:1705.07120.
    """

    pictures: Tensor

    @accepts_keywords(VampPriorConfig)
    def __init__(self, config: VampPriorConfig) -> None:
        super().__init__()
        self.latent_channels, self.latent_stride = config.latent_channels, config.latent_stride
        self.exemplar = config.exemplar
        shape = (config.components, config.image_channels, config.image_size[0], config.image_size[1])
        if config.exemplar:
            self.register_buffer("pictures", torch.rand(shape))
        else:
            self.logits = nn.Parameter(torch.empty(shape))
            nn.init.normal_(self.logits)
        self.bound: tuple[Encoder, ...] = ()
        self.shown = False

    def bind(self, encoder: Encoder) -> None:
        """Keeps the encoder, in a tuple; see :meth:`vaezoo.core.Prior.bind`.

        Raises:
            IncompatibleParts: The encoder takes images of other channels or another size.
        """
        channels, *size = self.inputs().shape[1:]
        if encoder.channels != channels or encoder.size not in (None, tuple(size)):
            raise IncompatibleParts(
                f"VampPrior has pictures of {channels} channels and {size[0]}×{size[1]} pixels, but the encoder takes "
                f"{encoder.channels} channels and the size {encoder.size}.",
                hint="Set image_channels and image_size once, under shared.",
                value=(encoder.channels, encoder.size),
            )
        self.bound = (encoder,)

    @torch.no_grad()
    def show(self, images: Tensor) -> None:
        """Sets the images of an ``exemplar`` prior, usually some of the training set.

        Args:
            images: Images (C, channels, H, W) in [0, 1].

        Raises:
            IncompatibleParts: The images of this prior are learned.
            ShapeError: The images have another number or shape.
        """
        if not self.exemplar:
            raise IncompatibleParts(
                "This VampPrior learns its pictures, so it takes none.", hint="Set exemplar=True.", value=self.exemplar
            )
        if images.shape != self.pictures.shape:
            raise ShapeError(
                f"Expected {len(self.pictures)} pictures of shape {tuple(self.pictures.shape)}, got "
                f"{tuple(images.shape)}.",
                value=tuple(images.shape),
            )
        self.pictures.copy_(images)
        self.shown = True

    def meet(self, draw: Callable[[int], Tensor]) -> None:
        """Takes C training images, unless others were set; see :meth:`vaezoo.core.Prior.meet`."""
        if self.exemplar and not self.shown:
            self.show(draw(len(self.pictures)))

    def inputs(self) -> Tensor:
        """Returns the images, (C, channels, H, W) in [0, 1]."""
        return self.pictures if self.exemplar else torch.sigmoid(self.logits)

    def components(self) -> tuple[Tensor, Tensor, Tensor]:
        """Returns log weights (C·cells,), means and log-variances (C·cells, D) of the mixture.

        Raises:
            IncompatibleParts: No encoder has been bound, or its posteriors are not Gaussian.
        """
        if not self.bound:
            raise IncompatibleParts(
                "VampPrior asks the model's encoder about its pictures, but the model has none.",
                hint="Use it in a VAE with an encoder.",
                value=self.bound,
            )
        (encoder,) = self.bound
        pictures = self.inputs() if encoder.size is not None else pad_to_stride(self.inputs(), encoder.stride)
        belief = encoder(pictures, Context(len(pictures), (pictures.shape[2], pictures.shape[3])))
        if not isinstance(belief, DiagonalGaussian):
            raise IncompatibleParts(
                f"VampPrior mixes Gaussian posteriors, but the encoder gives a {type(belief).__name__}.",
                value=type(belief).__name__,
            )
        means, logvars = (
            each.movedim(1, -1).flatten(0, -2) if each.dim() > 2 else each for each in (belief.mean, belief.logvar)
        )
        return torch.full_like(means[:, 0], -math.log(len(means))), means, logvars

    def log_prob(self, z: Tensor, context: Context) -> Tensor:
        """Returns Σ over cells of log 1/C Σ_c q(z|u_c), (K, B) nats."""
        return mixture_log_prob(z, *self.components())

    def rate(self, posterior: DiagonalGaussian, context: Context) -> None:
        """Returns None, since a mixture has no closed form."""
        return None

    def draw(self, eps: Tensor, context: Context) -> Tensor:
        """Returns z. Noise of zeros gives the mixture's mean."""
        return mixture_draw(eps, *self.components())

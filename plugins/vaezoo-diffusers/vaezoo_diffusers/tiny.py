"""AutoencoderTiny of diffusers (TAESD), as an encoder and a decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from torch import Tensor
from vaezoo.core import Context, Decoder, Dirac, Encoder, Likelihood, LikelihoodHead

from .backend import import_blocks
from .facts import check_head, check_tiny
from .units import LatentUnit, from_signed, to_signed


@final
class TinyEncoder(Encoder):
    """A few residual convolutions to a point. Unlike the network it was distilled from, it has no posterior.

    No layer sees the whole image, so with a margin as wide as its receptive field, tiles equal the whole.

    Args:
        latent_channels: Number of latent channels D.
        image_channels: Number of image channels C.
        encoder_block_out_channels: Channels of each scale, fine to coarse, all equal. A latent cell has a side of
            2^(scales − 1) pixels.
        num_encoder_blocks: Number of residual blocks of each scale.
        act_fn: Name of the activation.
        scaling_factor: Scaling factor of the latents; see :mod:`vaezoo_diffusers.units`.
        shift_factor: Shift of the latents; see :mod:`vaezoo_diffusers.units`.

    Raises:
        ConfigError: A setting is impossible.
        BackendUnavailable: diffusers cannot be imported.

    Source: Tiny AutoEncoder for Stable Diffusion (Boer Bohan, 2023), github.com/madebyollin/taesd.
    """

    def __init__(
        self,
        latent_channels: int,
        image_channels: int = 3,
        encoder_block_out_channels: Sequence[int] = (64, 64, 64, 64),
        num_encoder_blocks: Sequence[int] = (1, 3, 3, 3),
        act_fn: str = "relu",
        scaling_factor: float = 1.0,
        shift_factor: float = 0.0,
    ) -> None:
        super().__init__()
        check_tiny("encoder", encoder_block_out_channels, num_encoder_blocks, act_fn, scaling_factor)
        self.channels, self.stride = image_channels, 2 ** (len(num_encoder_blocks) - 1)
        self.unit = LatentUnit(scaling_factor, shift_factor)
        self.network = import_blocks().EncoderTiny(
            in_channels=image_channels,
            out_channels=latent_channels,
            num_blocks=tuple(num_encoder_blocks),
            block_out_channels=tuple(encoder_block_out_channels),
            act_fn=act_fn,
        )

    def forward(self, image: Tensor, context: Context) -> Dirac:
        """See :meth:`vaezoo.core.Encoder.forward`."""
        return Dirac(self.unit.from_raw(self.network(to_signed(image))))


@final
class TinyDecoder(Decoder):
    """The mirror of :class:`TinyEncoder`. It first bounds raw latents smoothly to (−3, 3).

    Args:
        latent_channels: Number of latent channels D.
        image_channels: Number of image channels C.
        decoder_block_out_channels: Channels of each scale, coarse to fine, all equal.
        num_decoder_blocks: Number of residual blocks of each scale.
        act_fn: Name of the activation.
        upsampling_scaling_factor: Factor from one scale to the next.
        upsample_fn: Method of upsampling, such as ``nearest``.
        scaling_factor: Scaling factor of the latents, as for the encoder.
        shift_factor: Shift of the latents, as for the encoder.
        likelihood: Likelihood, ``gaussian`` or ``laplace``.
        scale: Standard deviation of a pixel, as for :class:`vaezoo_diffusers.kl.KLDecoder`.

    Raises:
        ConfigError: A setting is impossible.
        BackendUnavailable: diffusers cannot be imported.
    """

    def __init__(
        self,
        latent_channels: int,
        image_channels: int = 3,
        decoder_block_out_channels: Sequence[int] = (64, 64, 64, 64),
        num_decoder_blocks: Sequence[int] = (3, 3, 3, 1),
        act_fn: str = "relu",
        upsampling_scaling_factor: int = 2,
        upsample_fn: str = "nearest",
        scaling_factor: float = 1.0,
        shift_factor: float = 0.0,
        likelihood: str = "gaussian",
        scale: float | str = 0.1,
    ) -> None:
        super().__init__()
        check_tiny("decoder", decoder_block_out_channels, num_decoder_blocks, act_fn, scaling_factor, upsample_fn)
        check_head(likelihood, scale)
        self.channels = image_channels
        self.stride = upsampling_scaling_factor ** (len(num_decoder_blocks) - 1)
        self.unit = LatentUnit(scaling_factor, shift_factor)
        self.head = LikelihoodHead(likelihood, image_channels, scale)
        self.network = import_blocks().DecoderTiny(
            in_channels=latent_channels,
            out_channels=image_channels,
            num_blocks=tuple(num_decoder_blocks),
            block_out_channels=tuple(decoder_block_out_channels),
            upsampling_scaling_factor=upsampling_scaling_factor,
            act_fn=act_fn,
            upsample_fn=upsample_fn,
        )

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        """See :meth:`vaezoo.core.Decoder.forward`."""
        likelihood: Likelihood = self.head(from_signed(self.network(self.unit.to_raw(state))))
        return likelihood

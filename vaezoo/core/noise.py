"""Noise, the only source of randomness of a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, final

import torch
from torch import Tensor

from vaezoo.errors import ConfigError


class Field(NamedTuple):
    """Position of a tile in a larger image, in pixels of the image as padded to the model's stride."""

    top: int
    left: int
    height: int
    width: int


@final
@dataclass(frozen=True)
class Noise:
    """Standard normal noise, scaled by a temperature; reproducible if it has a seed.

    With a seed, the noise of the i-th sample depends on ``(seed, i, level)`` alone. Eight samples are the same whether
    drawn at once or one by one. With a field, the noise of the whole image is drawn and the tile's part is cut out, so
    that samples of tiles fit together. In pairs, the noise of two samples is opposite: each alone is still normal, and
    the mean over samples is less noisy, since linear effects cancel.

    Args:
        temperature: Factor of the noise. 0 gives the centre of every distribution (the mean path).
        seed: Random seed of a generator of its own. None draws from torch's global generator.
        index: Number of the first sample.
        field: Position of the tile in the whole image. Needs a seed; vectors ignore it.
        paired: Whether sample 2i + 1 has the noise of sample 2i with opposite sign. Needs a seed.

    Raises:
        ConfigError: The temperature is negative, or a field or pairs are used without a seed.

    Source of the pairs: A new Monte Carlo technique: antithetic variates (Hammersley and Morton, 1956).
    """

    temperature: float = 1.0
    seed: int | None = None
    index: int = 0
    field: Field | None = None
    paired: bool = False

    def __post_init__(self) -> None:
        if not self.temperature >= 0:
            raise ConfigError(f"Expected a temperature of at least 0, got {self.temperature}.", value=self.temperature)
        if self.field is not None and self.seed is None and self.temperature:
            raise ConfigError(
                "Expected a seed for the noise of a tile, got none: tiles would not fit together.",
                hint="Pass Noise(seed=0).",
                value=self.seed,
            )
        if self.paired and self.seed is None and self.temperature:
            raise ConfigError("Expected a seed for noise in pairs, got none.", hint="Pass Noise(seed=0).", value=None)

    def check_exact(self, what: str) -> Noise:
        """Returns this noise if its temperature is 1, as densities need.

        Raises:
            ConfigError: The temperature is not 1. The message names ``what`` the noise was for.
        """
        if self.temperature != 1:
            message = f"Expected noise of temperature 1 for {what}, got {self.temperature}."
            raise ConfigError(message, value=self.temperature)
        return self

    def at(self, index: int) -> Noise:
        """Returns the noise that starts at the index-th sample of this one."""
        return replace(self, index=self.index + index)

    def crop(self, field: Field) -> Noise:
        """Returns the part of this noise for a tile at ``field``."""
        return replace(self, field=field)

    def normal(self, shape: tuple[int, ...], like: Tensor, *, level: int = 0, stride: int = 1) -> Tensor:
        """Draws noise of shape (K, B, ...), the sample index first.

        Args:
            shape: Shape (K, B, ...). With a field, the last two are the tile's height and width divided by ``stride``.
            like: Tensor with the device and dtype of the result.
            level: Number of the latent level. Levels have different noise.
            stride: Pixels per latent cell, used only with a field.
        """
        if self.temperature == 0:
            return like.new_zeros(shape)
        if self.seed is None:
            return self.temperature * torch.randn(shape, device=like.device, dtype=like.dtype)
        drawn = [self._draw(self.index + k, shape[1:], level, stride) for k in range(shape[0])]
        return self.temperature * torch.stack(drawn).to(like)

    def uniform(self, shape: tuple[int, ...], like: Tensor, *, level: int = 0, stride: int = 1) -> Tensor:
        """Draws uniform noise in (0, 1): Φ(ε) of normal noise ε at temperature 1, and ½ at temperature 0.

        Args:
            shape: Shape (K, B, ...), as in :meth:`normal`.
            like: Tensor with the device and dtype of the result.
            level: Number of the latent level.
            stride: Pixels per latent cell, used only with a field.
        """
        eps = self.normal(shape, like, level=level, stride=stride)
        # Kept off 0 and 1, whose logarithms are infinite; 2**-24 is the last below 1 in fp32.
        return torch.special.ndtr(eps.double()).clamp(2.0**-24, 1 - 2.0**-24).to(like)

    def _draw(self, index: int, shape: tuple[int, ...], level: int, stride: int) -> Tensor:
        if self.paired:
            first = replace(self, paired=False)._draw(index // 2, shape, level, stride)
            return -first if index % 2 else first
        generator = torch.Generator().manual_seed((((self.seed or 0) * 1_000_003 + index) * 64 + level) % 2**63)
        if self.field is None or len(shape) < 3:
            return torch.randn(shape, generator=generator)
        rows, columns = -(-self.field.height // stride), -(-self.field.width // stride)
        top, left = self.field.top // stride, self.field.left // stride
        height, width = shape[-2:]
        whole = (*shape[:-2], max(rows, top + height), max(columns, left + width))
        return torch.randn(whole, generator=generator)[..., top : top + height, left : left + width]

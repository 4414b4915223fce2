"""A decoded image in memory. `vaezoo.image.file.files` reads and writes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vaezoo.errors import ShapeError


@dataclass(frozen=True)
class Picture:
    """A decoded image with all that its file must keep.

    Attributes:
        pixels: Values as stored (not linear, not converted to another profile), (H, W, C) with C 1 or 3, uint8 or
            uint16.
        alpha: Opacity (H, W) of the same dtype, not multiplied into the pixels; None if there is none.
        icc: Colour profile of the pixels.
        exif: EXIF block without thumbnail. Its orientation no longer applies, since the pixels are upright; writing
            resets it.
        xmp: XMP packet.
        resolution: Pixels per millimetre, horizontal and vertical.
        chunks: Chunks of a PNG file with texts, and with colour information besides a profile.
        format: Format that it was read from, such as ``"png"``; None if it was not read from a file.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    resolution: tuple[float, float] = (1.0, 1.0)
    chunks: tuple[bytes, ...] = ()
    format: str | None = None

    def __post_init__(self) -> None:
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if len(shape) != 3 or shape[2] not in (1, 3) or 0 in shape:
            raise ShapeError(f"A picture's pixels are (H, W, 1) or (H, W, 3), not {shape}.", value=shape)
        if dtype not in (np.uint8, np.uint16):
            raise ShapeError(f"A picture's pixels are uint8 or uint16, not {dtype}.", value=dtype)
        if self.alpha is not None and (self.alpha.shape != shape[:2] or self.alpha.dtype != dtype):
            came = f"{self.alpha.shape} {self.alpha.dtype}"
            raise ShapeError(f"Alpha is {shape[:2]} {dtype} as the pixels are, not {came}.", value=came)

    @property
    def bits(self) -> int:
        """Bits per sample, 8 or 16."""
        return self.pixels.dtype.itemsize * 8

    def values(self) -> np.ndarray:
        """Returns the pixels as float32 (H, W, C) in [0, 1]."""
        return self.pixels.astype(np.float32) / np.float32(2**self.bits - 1)

    def to_8_bits(self) -> Picture:
        """Returns the picture with 8 bits per sample, rounded to the nearest value."""
        if self.bits == 8:
            return self

        def narrow(values: np.ndarray) -> np.ndarray:
            return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)

        alpha = None if self.alpha is None else narrow(self.alpha)
        return replace(self, pixels=narrow(self.pixels), alpha=alpha)

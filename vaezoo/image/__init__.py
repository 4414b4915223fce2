"""Pictures: files to tensors and back, tiles, degradations, quality metrics.

Importing this package loads neither torch nor pyvips; a name loads its module when first used.
What a model does to a picture is in `vaezoo.restore`, not here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaezoo.image.convert import from_tensor, open_image, to_tensor
    from vaezoo.image.degradations import blur, gaussian_noise, jpeg
    from vaezoo.image.files import read_picture, write_picture
    from vaezoo.image.kernels import disc_kernel, gaussian_kernel, motion_kernel
    from vaezoo.image.metrics import luma, psnr_db, ssim
    from vaezoo.image.picture import Picture
    from vaezoo.image.quantisation import read_quantised
    from vaezoo.image.resize import downscale, upscale
    from vaezoo.image.tile import Tiling, run_tiled

__all__ = [
    "Picture",
    "Tiling",
    "blur",
    "disc_kernel",
    "downscale",
    "from_tensor",
    "gaussian_kernel",
    "gaussian_noise",
    "jpeg",
    "luma",
    "motion_kernel",
    "open_image",
    "psnr_db",
    "read_picture",
    "read_quantised",
    "run_tiled",
    "ssim",
    "to_tensor",
    "upscale",
    "write_picture",
]

_HOME = {
    "Picture": "picture",
    "read_picture": "files",
    "write_picture": "files",
    "from_tensor": "convert",
    "open_image": "convert",
    "to_tensor": "convert",
    "Tiling": "tile",
    "run_tiled": "tile",
    "blur": "degradations",
    "gaussian_noise": "degradations",
    "jpeg": "degradations",
    "disc_kernel": "kernels",
    "gaussian_kernel": "kernels",
    "motion_kernel": "kernels",
    "read_quantised": "quantisation",
    "downscale": "resize",
    "upscale": "resize",
    "luma": "metrics",
    "psnr_db": "metrics",
    "ssim": "metrics",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)

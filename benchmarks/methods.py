"""The denoisers that are compared. Peers are told the noise level; the model of this zoo is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

Result = tuple[Tensor, "Tensor | None"]


@dataclass(frozen=True)
class Method:
    """A denoiser.

    Attributes:
        name: Short name, for the command line and the records.
        identity: What exactly ran: package, version, settings, the weights' sha256.
        run: From a noisy image (1, C, H, W), not clipped, and the noise level in grey levels, to the denoised
            image and its standard deviation per pixel, which may be None.
    """

    name: str
    identity: str
    run: Callable[[Tensor, float], Result]


def noisy() -> Method:
    """Returns the input itself."""
    return Method("noisy", "as it is", lambda y, sigma: (y, None))


def nlm() -> Method:
    """Returns scikit-image's non-local means, at the settings of its gallery's fast variant with known sigma."""
    from skimage.restoration import denoise_nl_means

    def run(image: Any, sigma: float) -> Any:
        settings = {"patch_size": 5, "patch_distance": 6, "fast_mode": True, "channel_axis": -1}
        return denoise_nl_means(image, h=0.8 * sigma, sigma=sigma, **settings)

    identity = f"scikit-image {version('scikit-image')}, patch_size=5, patch_distance=6, h=0.8*sigma, fast_mode=True"
    return Method("nlm", identity, _on_arrays(run))


def wavelet() -> Method:
    """Returns scikit-image's wavelet shrinkage, with BayesShrink thresholds in YCbCr."""
    from skimage.restoration import denoise_wavelet

    def run(image: Any, sigma: float) -> Any:
        settings = {"method": "BayesShrink", "mode": "soft", "rescale_sigma": True}
        return denoise_wavelet(image, sigma=sigma, convert2ycbcr=True, channel_axis=-1, **settings)

    identity = f"scikit-image {version('scikit-image')}, BayesShrink, soft, convert2ycbcr=True, rescale_sigma=True"
    return Method("wavelet", identity, _on_arrays(run))


def bm3d() -> Method:
    """Returns BM3D for colour, its authors' implementation at its usual profile."""
    from bm3d import bm3d_rgb

    identity = f"bm3d {version('bm3d')}, bm3d_rgb, profile np"
    return Method("bm3d", identity, _on_arrays(lambda image, sigma: bm3d_rgb(image, sigma)))


def model(name: str, weights: Path | None = None, tile: int | None = None) -> Method:
    """Returns a model of the zoo.

    Args:
        name: Its name.
        weights: A safetensors file instead of the weights that ship.
        tile: The largest side of a tile; None for whole images where they fit.
    """
    import vaezoo
    from vaezoo.restore import Restorer

    vae = vaezoo.create(name, pretrained=True if weights is None else weights)
    restorer = Restorer(vae, tile=tile)
    identity = f"vaezoo {vaezoo.__version__}, weights {vae.origin.weights.sha256}"

    def run(y: Tensor, sigma: float) -> Result:
        restored = restorer(y)
        return restored.image, restored.scale

    return Method(name if tile is None else f"{name}-tiled", identity, run)


PEERS: dict[str, Callable[[], Method]] = {"noisy": noisy, "nlm": nlm, "wavelet": wavelet, "bm3d": bm3d}


def _on_arrays(run: Callable[[Any, float], Any]) -> Callable[[Tensor, float], Result]:
    """Lets a function of (H, W, C) arrays and sigma in units of the pixel value serve as a method."""

    def on_tensors(y: Tensor, sigma: float) -> Result:
        result = np.asarray(run(y[0].permute(1, 2, 0).numpy().astype(np.float64), sigma / 255))
        return torch.from_numpy(result).permute(2, 0, 1)[None].float(), None

    return on_tensors

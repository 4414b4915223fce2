"""Methods without learning, from well-kept packages. Their settings were chosen on other pictures than the tests."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.restorers.methods import Method, Result
from vaezoo.image.damage.light import from_linear, to_linear
from vaezoo.image.resize import upscale
from vaezoo.restore.task import Task

JPEG_WEIGHTS = {10: 0.03, 20: 0.015, 30: 0.01, 40: 0.0075}
"""Weight of the total variation at each quality: the best of nine on nine crops of cid22-valid."""

NOISE_WEIGHT = 0.9
"""Weight of the total variation, in standard deviations of the noise: the best of nine on the same."""

WIENER_BALANCE, LUCY_TURNS = 0.01, 10
"""The best of five each, on six crops of cid22-valid with four kernels."""

UNSHARP = 3.0, 0.5
"""Radius (pixels) and amount of the unsharp mask: the best of 25 pairs on six crops of cid22-valid with three blurs."""

GAMMA_MEAN = 0.45
"""Mean value that a dark picture is brought to; that of cid22-valid is 0.48."""
CLAHE_LIMIT = 0.003
"""The best of nine on six pictures of cid22-valid, equal to the four smaller ones: it then little more than stretches
the range until the lightest pixel is white. scikit-image's own, 0.01, is 3.7 dB worse there."""


def nlm() -> Method:
    """Returns scikit-image's non-local means, at the settings of its gallery's fast variant with known sigma."""
    from skimage.restoration import denoise_nl_means

    def run(image: Any, sigma: float) -> Any:
        settings = {"patch_size": 5, "patch_distance": 6, "fast_mode": True, "channel_axis": -1}
        return denoise_nl_means(image, h=0.8 * sigma, sigma=sigma, **settings)

    identity = f"scikit-image {version('scikit-image')}, patch_size=5, patch_distance=6, h=0.8*sigma, fast_mode=True"
    return Method("nlm", identity, _told_sigma(run))


def wavelet(colour: bool = True) -> Method:
    """Returns scikit-image's wavelet shrinkage, with BayesShrink thresholds, in YCbCr where there is colour."""
    from skimage.restoration import denoise_wavelet

    def run(image: Any, sigma: float) -> Any:
        settings = {"method": "BayesShrink", "mode": "soft", "rescale_sigma": True}
        return denoise_wavelet(image, sigma=sigma, convert2ycbcr=colour, channel_axis=-1, **settings)

    space = f"convert2ycbcr={colour}"
    identity = f"scikit-image {version('scikit-image')}, BayesShrink, soft, {space}, rescale_sigma=True"
    return Method("wavelet" if colour else "wavelet-gray", identity, _told_sigma(run))


def tv() -> Method:
    """Returns scikit-image's total variation, Chambolle's method, with a weight that grows with the noise."""
    from skimage.restoration import denoise_tv_chambolle

    def run(image: Any, sigma: float) -> Any:
        return denoise_tv_chambolle(image, weight=NOISE_WEIGHT * sigma, channel_axis=-1)

    identity = f"scikit-image {version('scikit-image')}, denoise_tv_chambolle, weight={NOISE_WEIGHT}*sigma"
    return Method("tv", identity, _told_sigma(run))


def tv_jpeg() -> Method:
    """Returns the same, with a weight for each JPEG quality."""
    from skimage.restoration import denoise_tv_chambolle

    def run(y: Tensor, level: float, task: Task) -> Result:
        return _from_array(denoise_tv_chambolle(_to_array(y), weight=JPEG_WEIGHTS[round(level)], channel_axis=-1))

    weights = ", ".join(f"{weight} at {quality}" for quality, weight in JPEG_WEIGHTS.items())
    identity = f"scikit-image {version('scikit-image')}, denoise_tv_chambolle, weight {weights}"
    return Method("tv-jpeg", identity, run, tuple(map(float, JPEG_WEIGHTS)))


def bm3d(colour: bool = True) -> Method:
    """Returns BM3D, its authors' implementation at its usual profile."""
    import bm3d as package

    function = package.bm3d_rgb if colour else package.bm3d
    identity = f"bm3d {version('bm3d')}, {function.__name__}, profile np"
    return Method("bm3d" if colour else "bm3d-gray", identity, _told_sigma(lambda image, sigma: function(image, sigma)))


def bicubic() -> Method:
    """Returns the protocol's own kernel, used to enlarge."""
    return Method("bicubic", "vaezoo.image.resize", lambda y, level, task: Result(upscale(y, round(level))))


def lanczos() -> Method:
    """Returns Pillow's Lanczos, in floating point."""
    from PIL import Image

    def run(y: Tensor, level: float, task: Task) -> Result:
        size = (y.shape[3] * round(level), y.shape[2] * round(level))
        planes = [np.asarray(Image.fromarray(plane.numpy()).resize(size, Image.Resampling.LANCZOS)) for plane in y[0]]
        return Result(torch.from_numpy(np.stack(planes))[None])

    return Method("lanczos", f"Pillow {version('pillow')}, LANCZOS, mode F", run)


def wiener() -> Method:
    """Returns scikit-image's Wiener filter with a Laplacian prior, which takes pictures to be circular."""
    from skimage.restoration import wiener as function

    def run(plane: Any, kernel: Any) -> Any:
        return function(plane, kernel, WIENER_BALANCE, clip=False)

    identity = f"scikit-image {version('scikit-image')}, wiener, balance={WIENER_BALANCE}"
    return Method("wiener", identity, _told_kernel(run))


def richardson_lucy() -> Method:
    """Returns scikit-image's Richardson–Lucy deconvolution, of the picture continued by its other side."""
    from skimage.restoration import richardson_lucy as function

    def run(plane: Any, kernel: Any) -> Any:
        margin = max(kernel.shape)
        whole = np.pad(plane.clip(0, 1), margin, mode="wrap")
        return function(whole, kernel, num_iter=LUCY_TURNS, clip=False)[margin:-margin, margin:-margin]

    identity = f"scikit-image {version('scikit-image')}, richardson_lucy, num_iter={LUCY_TURNS}"
    return Method("richardson-lucy", identity, _told_kernel(run))


def unsharp() -> Method:
    """Returns scikit-image's unsharp mask: what photo editors sharpen by."""
    from skimage.filters import unsharp_mask

    def run(y: Tensor, level: float, task: Task) -> Result:
        return _from_array(unsharp_mask(_to_array(y), *UNSHARP, channel_axis=2, preserve_range=True))  # -1 is broken

    identity = f"scikit-image {version('scikit-image')}, unsharp_mask, radius={UNSHARP[0]}, amount={UNSHARP[1]}"
    return Method("unsharp", identity, run)


def gamma() -> Method:
    """Returns scikit-image's gamma correction, by the power that brings the mean value to `GAMMA_MEAN`."""
    from scipy.optimize import brentq
    from skimage.exposure import adjust_gamma

    def run(y: Tensor, level: float, task: Task) -> Result:
        image = _to_array(y)
        power = brentq(lambda log: (image ** np.exp(log)).mean() - GAMMA_MEAN, -5, 5)
        return _from_array(adjust_gamma(image, np.exp(power)))

    return Method("gamma", f"scikit-image {version('scikit-image')}, adjust_gamma to a mean of {GAMMA_MEAN}", run)


def clahe() -> Method:
    """Returns scikit-image's contrast-limited adaptive histogram equalisation, of the value of HSV."""
    from skimage.exposure import equalize_adapthist

    def run(y: Tensor, level: float, task: Task) -> Result:
        return _from_array(equalize_adapthist(_to_array(y), clip_limit=CLAHE_LIMIT))

    return Method("clahe", f"scikit-image {version('scikit-image')}, equalize_adapthist, clip_limit={CLAHE_LIMIT}", run)


def equalise() -> Method:
    """Returns scikit-image's histogram equalisation, one curve for all channels."""
    from skimage.exposure import equalize_hist

    def run(y: Tensor, level: float, task: Task) -> Result:
        return _from_array(equalize_hist(_to_array(y)))

    return Method("equalise", f"scikit-image {version('scikit-image')}, equalize_hist, all channels at once", run)


def exposed() -> Method:
    """Returns the division by the share of light that was left: what whoever knew it would do first."""

    def run(y: Tensor, level: float, task: Task) -> Result:
        return Result(from_linear(to_linear(y) / level).clamp(0, 1))

    return Method("exposed", "vaezoo.image.damage.light, light over its share", run)


def _told_kernel(run: Callable[[Any, Any], Any]) -> Callable[[Tensor, float, Task], Result]:
    """Lets a function of a plane (H, W) and a kernel (h, w), which the task holds, serve as a deblurrer."""

    def on_tensors(y: Tensor, level: float, task: Task) -> Result:
        kernel = np.asarray(task.kernel, dtype=np.float64)  # type: ignore[attr-defined]
        return _from_array(np.stack([run(plane.double().numpy(), kernel) for plane in y[0]], axis=-1))

    return on_tensors


def _told_sigma(run: Callable[[Any, float], Any]) -> Callable[[Tensor, float, Task], Result]:
    """Lets a function of an (H, W, C) array and sigma, in units of the pixel value, serve as a denoiser."""
    return lambda y, level, task: _from_array(run(_to_array(y), level / 255))


def _to_array(y: Tensor) -> Any:
    return y[0].permute(1, 2, 0).numpy().astype(np.float64)


def _from_array(image: Any) -> Result:
    array = np.asarray(image)
    return Result(torch.from_numpy(array.reshape(*array.shape[:2], -1)).permute(2, 0, 1)[None].float())

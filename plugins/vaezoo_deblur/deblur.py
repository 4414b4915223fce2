"""Undoing a known blur: a denoiser as prior alternates with the exact solution for the kernel.

`blind_deblur` is for an unknown blur.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal, final

import torch
from torch import Tensor

from vaezoo.errors import ConfigError, ShapeError
from vaezoo.image import as_kernel, benchmark_kernels, blur, gaussian_noise, noise_level, spectrum
from vaezoo.restore import (
    VIEWS,
    Example,
    Progress,
    Restoration,
    Restorer,
    Task,
    check_level,
    is_number,
    is_whole,
    turn,
    turn_back,
)

from .blind_deblur import BlindDeblur

FIRST = 49.0
"""First noise level of the denoiser, in grey levels. It falls to that of the image on a log scale."""
LEAST = 0.255
"""Smallest noise level that an image is treated as having, in grey levels."""
WEIGHT = 0.23
"""Weight λ of the prior. FIRST, LEAST and WEIGHT are those of the source of :class:`Deblur`."""
MOST = 69.0
"""Noise level in grey levels up to which the three channels of a gray image get more noise than a single one would."""
STEPS, TOLERANCE = 30, 1e-4
"""Largest number of steps of conjugate gradients at an open border, and the residual at which they end."""
BEYOND = 1.0
"""How far x may leave [0, 1] before the denoiser. A photo deblurred as circular has ringing of ±5 at its border."""
BOUNDARIES = ("open", "circular")


@final
@dataclass(frozen=True)
class Deblur(Task):
    """Undoes a blur with a known kernel, by half-quadratic splitting with a denoiser as prior.

    z = y; for σₖ = 49 … σ:  x = argmin ‖y − k∗x‖² + λσ²/σₖ² ‖x − z‖²;  z = denoiser of level σₖ of x

    The remaining errors of x are not white noise. A denoiser that estimates the noise level takes them for part of the
    image, and they grow. Therefore it is given x + ε and x − ε, with seeded white noise ε, and the mean of both results
    is used; ε alone would leave its own error. No uncertainty is given, since the denoiser knows nothing of what the
    blur removed.

    Attributes:
        kernel: Blur kernel, if known, as an image or a .npy file of sum 1. In Python (h, w), not negative: a tensor, an
            array or lists; see `vaezoo.image.damage.kernels`.
        sigma: Noise level in grey levels, if known. A standard deviation in units of 1/255.
        iterations: Number of iterations, at least 1.
        boundary: Border: open for photos, circular for benchmarks. Beyond an ``open`` border nothing is known, and it
            is estimated with the image. Benchmark images were blurred as if they continued at the opposite side.
        perturb: Standard deviation of ε in units of σₖ, 0 to 2. 0 takes half the time, but needs a denoiser that obeys
            the level it is told.
        seed: Random seed of ε.

    Raises:
        ShapeError: The kernel is invalid, or sigma is negative or not finite.
        ConfigError: The kernel is missing, the boundary is unknown, iterations are below 1, or perturb is out of range.

    Source: Plug-and-Play Image Restoration with Deep Denoiser Prior (Zhang et al., 2021), whose denoiser is told the
    level; ε and the open border are ours.
    """

    kernel: Any = field(default=None, metadata={"read": "vaezoo.image:read_kernel"})
    sigma: float | None = None
    iterations: int = 8
    boundary: Literal["open", "circular"] = "open"
    perturb: float = 1.4
    seed: int = 0

    name: ClassVar[str] = "deblur"
    model: ClassVar[str] = "denoise.open"  # the method needs a denoiser of white noise that is told the level
    data: ClassVar[str] = "set5"
    word: ClassVar[str] = "kernel"
    unit: ClassVar[str] = "index of the kernel"
    levels: ClassVar[tuple[float, ...]] = (1, 3)
    protocol: ClassVar[str] = (
        "blurred circularly by two kernels of Levin et al. (2009), noise of 2.55 (of 255), RGB over all pixels"
    )
    draws: ClassVar[bool] = False
    states: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.kernel is None:
            hint = "Give kernel=, such as gaussian_kernel(1.6), or use BlindDeblur."
            raise ConfigError("Expected a kernel to deblur by, got none.", hint=hint, value=self.kernel)
        as_kernel(self.kernel)
        check_level(self.sigma)
        if not is_whole(self.iterations) or self.iterations < 1:
            raise ConfigError(f"Expected at least 1 iteration, got {self.iterations!r}.", value=self.iterations)
        if self.boundary not in BOUNDARIES:
            raise ConfigError(f"A boundary is {' or '.join(BOUNDARIES)}, not {self.boundary!r}.", value=self.boundary)
        if not (is_number(self.perturb) and 0 <= self.perturb <= 2):
            raise ConfigError(f"Expected a perturbation of 0 to 2, got {self.perturb!r}.", value=self.perturb)
        if not is_whole(self.seed):
            raise ConfigError(f"Expected a whole number as seed, got {self.seed!r}.", value=self.seed)

    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        """See :meth:`vaezoo.restore.Task.restore`.

        ``facts["noise_levels"]`` is the noise level, told or estimated. ``facts["residual_levels"]`` is the root mean
        square of the difference between the image and the result blurred again. Both are in grey levels.

        Raises:
            ShapeError: The kernel is larger than the image, or the image is not finite.
        """
        if not bool(torch.isfinite(y).all()):
            raise ShapeError("Expected a picture of finite numbers, got NaN or infinity in it.", value=y)
        kernel, y = as_kernel(self.kernel), y.cpu()
        sigma = 255 * noise_level(y) if self.sigma is None else float(self.sigma)
        data = DataStep(y, kernel, margin=max(kernel.shape) if self.boundary == "open" else 0)
        prior = _Prior(restorer, self, progress)
        z = data.start
        for level in _levels(sigma, self.iterations):
            z = prior(data(z, WEIGHT * (max(sigma, LEAST) / level) ** 2), level / 255)
        image = data.inside(z)
        left = (data.inside(data.blurred(z)) - y).square().mean().sqrt().item()
        facts = {"noise_levels": round(sigma, 2), "residual_levels": round(255 * left, 3)}
        return Restoration(image.clamp(0, 1), None, prior.tile, facts)

    @classmethod
    def fitting(cls, options: Mapping[str, Any]) -> type[Task]:
        """See :meth:`vaezoo.restore.Task.fitting`. Without a kernel it is `BlindDeblur`."""
        return cls if options.get("kernel") is not None else BlindDeblur

    @classmethod
    def example(cls, x: Tensor, level: float, index: int) -> Example:
        """See :meth:`vaezoo.restore.Task.example`: circular blur, and noise of 2.55 grey levels. The task is told both.

        Raises:
            DataMissing: See `vaezoo.image.damage.kernels.benchmark_kernels`.
            ConfigError: No kernel has this index.
        """
        kernels = benchmark_kernels()
        if level not in range(len(kernels)):
            raise ConfigError(f"The kernels have indices 0 to {len(kernels) - 1}, not {level}.", value=level)
        kernel = kernels[int(level)]
        y = gaussian_noise(blur(x, kernel), 2.55, seed=index)
        return Example(x, y, cls(kernel, sigma=2.55, boundary="circular"))


class DataStep:
    """The exact solution for a blurred image and its kernel, by Fourier transform.

    With a margin, the image is the inside of a canvas that is treated as circular, and only blurred pixels inside it
    count. That has no closed form. It is solved by conjugate gradients, preconditioned by the solution for a canvas
    that is known everywhere.

    Args:
        y: Blurred image (1, C, H, W).
        kernel: Kernel (h, w), float64.
        margin: Margin in pixels on each side; 0 for a circular blur.

    Raises:
        ShapeError: The kernel is larger than the image.
    """

    def __init__(self, y: Tensor, kernel: Tensor, margin: int = 0) -> None:
        spectrum(kernel, (y.shape[-2], y.shape[-1]))  # raises for a kernel that is larger than the image
        self.y, self.margin = y, margin
        self.start = _around(_around(y, margin, 2), margin, 3) if margin else y
        self.size = (self.start.shape[-2], self.start.shape[-1])
        self._kernel = spectrum(kernel, self.size)
        self._power = self._kernel.abs() ** 2
        self._seen = torch.fft.rfft2(self.start.double())
        self.seen = torch.zeros(self.size, dtype=torch.float64)
        self.inside(self.seen)[...] = 1

    def __call__(self, z: Tensor, weight: float) -> Tensor:
        """Returns x that minimises ‖y − k∗x‖² + weight ‖x − z‖². Both x and z have the size of the canvas."""
        if self.margin:
            return self._open(z.double(), weight).to(z.dtype)
        whole = self._kernel.conj() * self._seen + weight * torch.fft.rfft2(z.double())
        return torch.fft.irfft2(whole / (self._power + weight), s=self.size).to(z.dtype)

    def _open(self, z: Tensor, weight: float) -> Tensor:
        def back(canvas: Tensor) -> Tensor:
            return self._filtered(self.seen * canvas, self._kernel.conj())

        residual = back(self.start.double() - self._filtered(z, self._kernel))  # of the normal equations, at x = z
        inverse = 1 / (self._power + weight)
        x, begin = z, residual.norm()
        way = better = self._filtered(residual, inverse)
        for _ in range(STEPS):
            if residual.norm() <= TOLERANCE * begin:
                break
            moved = back(self._filtered(way, self._kernel)) + weight * way
            product = (residual * better).sum()
            length = product / (way * moved).sum()
            x, residual = x + length * way, residual - length * moved
            better = self._filtered(residual, inverse)
            way = better + (residual * better).sum() / product * way
        return x

    def inside(self, canvas: Tensor) -> Tensor:
        """Crops a canvas to the image."""
        m = self.margin
        return canvas[..., m : canvas.shape[-2] - m, m : canvas.shape[-1] - m]

    def blurred(self, x: Tensor) -> Tensor:
        """Blurs a canvas."""
        return self._filtered(x.double(), self._kernel).to(x.dtype)

    def _filtered(self, image: Tensor, by: Tensor) -> Tensor:
        return torch.fft.irfft2(by * torch.fft.rfft2(image), s=self.size)


def _around(y: Tensor, margin: int, dim: int) -> Tensor:
    """Pads an image by a margin at both ends of a dimension, such that it continues smoothly from end to start."""
    first, last = y.narrow(dim, 0, 1), y.narrow(dim, y.shape[dim] - 1, 1)
    shape = [-1 if d == dim else 1 for d in range(4)]
    share = ((torch.arange(2 * margin, dtype=y.dtype) + 0.5) / (2 * margin)).reshape(shape)
    bridge = torch.lerp(last, first, share)
    return torch.cat([bridge.narrow(dim, margin, margin), y, bridge.narrow(dim, 0, margin)], dim)


def _levels(sigma: float, count: int) -> list[float]:
    """Returns the denoiser's noise levels, in grey levels. A single one is that of the image."""
    last = min(max(sigma, LEAST), FIRST)
    return [last * (FIRST / last) ** ((count - 1 - i) / max(count - 1, 1)) for i in range(count)]


class _Prior:
    """The denoiser. Each call turns or mirrors the image in another way, as in the source.

    A gray image goes through a colour model as three equal channels. Each has its own noise, √3 times as strong, since
    their mean is used.
    """

    def __init__(self, restorer: Restorer, task: Deblur, progress: Progress | None) -> None:
        self.restorer, self.progress, self.tile = restorer, progress, 0
        self.told, self.perturb = "sigma" in restorer.takes, task.perturb
        self.passes, self.done, self.view = task.iterations * (2 if task.perturb else 1), 0, 0
        self.generator = torch.Generator().manual_seed(task.seed)

    def __call__(self, x: Tensor, level: float) -> Tensor:
        """Denoises x (1, C, H, W) at a level in units of the pixel value."""
        x = x.clamp(-BEYOND, 1 + BEYOND)
        view = self.view
        self.view = (view + 1) % VIEWS
        x = turn(x, view)
        z = self._perturbed(x, self.perturb * level) if self.perturb else self._pass(x, level)
        return turn_back(z, view)

    def _perturbed(self, x: Tensor, level: float) -> Tensor:
        channels = x.shape[1]
        if channels == 1 and (many := self.restorer.model.channels) > 1:
            x, level = x.expand(-1, many, -1, -1), min(many**0.5 * level, max(level, MOST / 255))
        eps = torch.randn(x.shape, generator=self.generator) * level
        z = (self._pass(x + eps, level) + self._pass(x - eps, level)) / 2
        return z if z.shape[1] == channels else z.mean(1, keepdim=True)

    def _pass(self, x: Tensor, level: float) -> Tensor:
        tell = None if self.progress is None else partial(_tell, self.progress, self.done, self.passes)
        restored = self.restorer(x, tell, {"sigma": torch.full_like(x[:, :1], level)} if self.told else None)
        self.tile, self.done = restored.tile, self.done + 1
        return restored.image


def _tell(progress: Callable[[int, int], None], before: int, passes: int, done: int, tiles: int) -> None:
    progress(before * tiles + done, passes * tiles)

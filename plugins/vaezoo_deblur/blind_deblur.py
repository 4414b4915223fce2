"""Deblurring by a trained network, for an unknown blur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from torch import Tensor

from vaezoo.errors import ConfigError
from vaezoo.image import blur, gaussian_kernel, gaussian_noise
from vaezoo.restore import Example, Progress, Restoration, Restorer, Task, make_task, purpose_of


@final
@dataclass(frozen=True)
class BlindDeblur(Task):
    """Sharpens a photo that is out of focus or blurred by motion, and removes its noise.

    Attributes:
        sigma: Noise level in grey levels, if known. A standard deviation in units of 1/255: a number, or a map (H, W).

    Raises:
        ShapeError: A noise level is negative or not finite.
    """

    sigma: float | Tensor | None = None

    name: ClassVar[str] = "blind-deblur"
    model: ClassVar[str] = "deblur"
    data: ClassVar[str] = "kodak24"
    word: ClassVar[str] = "blur"
    unit: ClassVar[str] = "standard deviation of a Gaussian blur, pixels"
    levels: ClassVar[tuple[float, ...]] = (1, 2, 3)
    protocol: ClassVar[str] = (
        "blurred by Gaussians of 1, 2, 3 pixels, mirrored at the border, noise of 2.55 (of 255) seeded by the "
        "picture's index, RGB over all pixels"
    )

    def __post_init__(self) -> None:
        self._denoise()

    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        """See :meth:`vaezoo.restore.Task.restore`.

        Raises:
            ShapeError: The map does not have the size of the image.
            ConfigError: The model is of the zoo, and was made for another task.
        """
        purpose = purpose_of(restorer.model)
        if purpose not in (None, self.name):
            raise ConfigError(
                f"Expected a model that was trained to deblur, but this one was made for {purpose!r}.",
                hint="Give a kernel, or use the model deblur.",
                value=purpose,
            )
        return self._denoise().restore(restorer, y, progress)

    def _denoise(self) -> Task:
        return make_task("denoise", sigma=self.sigma)

    @classmethod
    def example(cls, x: Tensor, level: float, index: int) -> Example:
        """See :meth:`vaezoo.restore.Task.example`: noise of 2.55 grey levels after the blur.

        The task is told neither.
        """
        y = blur(x, gaussian_kernel(level), "reflect")
        return Example(x, gaussian_noise(y, 2.55, seed=index), cls())

"""Deblurring by a network that has learned to, where nobody knows the blur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from torch import Tensor

from vaezoo.errors import ConfigError
from vaezoo.image.damage.degradations import blur, gaussian_noise
from vaezoo.image.damage.kernels import gaussian_kernel
from vaezoo.restore.restorer import Restoration, Restorer
from vaezoo.restore.task import Example, Progress, Task, purpose_of
from vaezoo.restore.tasks.denoise import Denoise


@final
@dataclass(frozen=True)
class BlindDeblur(Task):
    """Sharpens a photo that is out of focus or shaken, and removes its noise.

    Args:
        sigma: Standard deviation of the noise in grey levels (units of 1/255): a number, or a map (H, W); None where
            it is not known.

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

    def __post_init__(self) -> None:
        Denoise(self.sigma)

    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        """See :meth:`vaezoo.restore.task.Task.restore`.

        Raises:
            ShapeError: The map is not of the picture's size.
            ConfigError: The model is the zoo's, and was made for another task.
        """
        purpose = purpose_of(restorer.model)
        if purpose not in (None, self.name):
            raise ConfigError(
                f"Expected a model that has learned to deblur, this one was made for {purpose!r}.",
                hint="Give a kernel, or use the model deblur.",
                value=purpose,
            )
        return Denoise(self.sigma).restore(restorer, y, progress)

    @classmethod
    def example(cls, x: Tensor, level: float, index: int) -> Example:
        """See :meth:`vaezoo.restore.task.Task.example`: noise of 2.55 grey levels after the blur; nothing is told."""
        y = blur(x, gaussian_kernel(level), "reflect")
        return Example(x, gaussian_noise(y, 2.55, seed=index), cls())

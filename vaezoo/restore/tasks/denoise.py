"""Denoising: of any noise level, told or not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, final

import torch
from torch import Tensor

from vaezoo.errors import ConfigError, ShapeError
from vaezoo.image.degradations import gaussian_noise
from vaezoo.image.noise import noise_level
from vaezoo.restore.given import is_number
from vaezoo.restore.restorer import Restoration, Restorer
from vaezoo.restore.task import Example, Progress, Task


@final
@dataclass(frozen=True)
class Denoise(Task):
    """Removes noise.

    Args:
        sigma: Standard deviation of the noise in grey levels (units of 1/255): a number, or a map (H, W); None where
            it is not known. A model that is blind ignores it.
        boost: The model is told a noise level so many times higher; without ``sigma``, than the one estimated.

    Raises:
        ShapeError: A noise level is negative or not finite.
        ConfigError: ``boost`` is not positive.
    """

    sigma: float | Tensor | None = None
    boost: float = 1.0

    name: ClassVar[str] = "denoise"
    model: ClassVar[str] = "denoise"
    data: ClassVar[str] = "kodak24"
    word: ClassVar[str] = "sigma"
    unit: ClassVar[str] = "σ, grey levels"
    levels: ClassVar[tuple[float, ...]] = (15, 25, 50)

    def __post_init__(self) -> None:
        if not (is_number(self.boost) and self.boost > 0):
            raise ConfigError(f"Expected a boost above 0, got {self.boost!r}.", value=self.boost)
        if self.sigma is None:
            return
        try:
            values = torch.as_tensor(self.sigma, dtype=torch.float32)
        except (TypeError, ValueError, RuntimeError) as error:
            message = f"Expected a noise level in grey levels, a number or a map (H, W), got {self.sigma!r:.80}."
            raise ShapeError(message, value=self.sigma) from error
        if not bool(torch.isfinite(values).all()) or bool((values < 0).any()):
            worst = values[~torch.isfinite(values) | (values < 0)].flatten()[0].item()
            raise ShapeError(f"Expected a noise level of at least 0, in grey levels, got {worst}.", value=worst)

    def restore(self, restorer: Restorer, y: Tensor, progress: Progress | None = None) -> Restoration:
        """See :meth:`vaezoo.restore.task.Task.restore`.

        Raises:
            ShapeError: The map is not of the picture's size.
        """
        estimate = 255 * noise_level(y)
        facts = {"noise_levels": round(estimate, 2)}
        given = estimate if self.sigma is None and self.boost != 1 else self.sigma
        if given is None or "sigma" not in restorer.takes:
            return restorer(y, progress)._replace(facts=facts)
        sigma = self.boost * torch.as_tensor(given, dtype=torch.float32) / 255
        if (sigma.ndim and tuple(sigma.shape[-2:]) != tuple(y.shape[-2:])) or sigma.numel() not in (1, y[0, 0].numel()):
            raise ShapeError(
                f"Expected a noise level, or a map of the picture's {tuple(y.shape[-2:])}, got {tuple(sigma.shape)}.",
                value=tuple(sigma.shape),
            )
        whole = sigma.reshape(1, 1, *(sigma.shape[-2:] or (1, 1))).expand(1, 1, *y.shape[-2:])
        return restorer(y, progress, maps={"sigma": whole})._replace(facts=facts)

    def stronger(self, strength: float, restorer: Restorer) -> Task:
        """See :meth:`vaezoo.restore.task.Task.stronger`."""
        if "sigma" not in restorer.takes:
            return super().stronger(strength, restorer)
        return replace(self, boost=self.boost * strength)

    @classmethod
    def example(cls, x: Tensor, level: float, index: int) -> Example:
        """See :meth:`vaezoo.restore.task.Task.example`: Gaussian noise, not clipped; the model is not told."""
        return Example(x, gaussian_noise(x, level, seed=index), cls())

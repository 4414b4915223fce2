"""The abstract likelihood, and two helpers for all of them: rows by sample, and cropping."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from vaezoo.errors import ShapeError


def by_sample(rows: Tensor, x: Tensor) -> Tensor:
    """Returns (K·B, C, H, W) as (K, B, C, H, W), in fp32.

    Raises:
        ShapeError: The target's images have another shape than the likelihood's, or do not divide its rows.
    """
    if rows.shape[1:] != x.shape[1:] or rows.shape[0] % x.shape[0]:
        raise ShapeError(
            f"Expected a target (B, C, H, W) that fits a likelihood of {tuple(rows.shape)}, got {tuple(x.shape)}.",
            value=x.shape,
        )
    return rows.float().view(-1, *x.shape)


def cropped(tensor: Tensor, size: tuple[int, int]) -> Tensor:
    """Crops padding off. A tensor that broadcasts over pixels stays as it is."""
    if tensor.dim() < 4 or tensor.shape[-2:] == (1, 1):
        return tensor
    return tensor[..., : size[0], : size[1]]


class Likelihood(ABC):
    """p(x|z) for K·B rows.

    Attributes:
        image: The mean image (K·B, C, H, W).
        scale: Standard deviation per pixel, broadcastable to the image, in its unit; None if unknown.
        normalised: Whether ``log_prob`` is a density of x. It is False for a pseudo-likelihood, which has no NLL.
    """

    normalised: ClassVar[bool] = True

    if TYPE_CHECKING:  # some subclasses have a field, others a property

        @property
        def image(self) -> Tensor:
            """The mean image."""
            ...

        @property
        def scale(self) -> Tensor | None:
            """The standard deviation."""
            ...

    @abstractmethod
    def log_prob(self, x: Tensor) -> Tensor:
        """Returns log p(x|z), summed over pixels and channels: x (B, C, H, W) to (K, B) nats."""

    @abstractmethod
    def crop(self, size: tuple[int, int]) -> Likelihood:
        """Returns the likelihood of the top left (H, W) pixels, without the padding."""

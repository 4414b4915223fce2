"""Kinds of likelihood: how a decoder's features become a likelihood."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from vaezoo.core.likelihood.base import Likelihood
from vaezoo.errors import ConfigError


class LikelihoodKind(ABC, nn.Module):
    """Makes a likelihood of a decoder's features. :class:`vaezoo.core.LikelihoodHead` finds it by its name.

    The parameters of its constructor are its options, each with a default: ``student-t(nu=4)`` sets one.

    Attributes:
        gives: Class of the likelihood that it makes.
        scales: Words that it accepts as scale besides a number, from ``learned`` and ``pixel``. Empty for a kind that
            has no width, or sets it itself.
        per_channel: Number of feature channels per image channel.
        channels: Number of image channels C.
    """

    gives: ClassVar[type[Likelihood]]
    scales: ClassVar[tuple[str, ...]] = ()
    per_channel: int = 1
    channels: int

    @property
    def outputs(self) -> int:
        """Number of feature channels, without those of a scale per pixel."""
        return self.per_channel * self.channels

    def setup(self, channels: int) -> None:
        """Sets the number of image channels. The head calls it once, before anything else."""
        self.channels = channels

    @abstractmethod
    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> Likelihood:
        """Returns the likelihood.

        Args:
            features: Features (K·B, outputs, H, W).
            log_scale: Logarithm of the standard deviation, broadcastable to the image; None if ``scales`` is empty.
            base: Image (K·B, C, H, W) that the mean is a correction of, or None.
        """


def corrected(features: Tensor, base: Tensor | None) -> Tensor:
    """Returns the base plus the features, or the features alone if there is no base."""
    return features if base is None else base + features


def known(log_scale: Tensor | None) -> Tensor:
    """Returns the scale, which the head gives to every kind whose ``scales`` are not empty.

    Raises:
        ConfigError: The scale is None.
    """
    if log_scale is None:
        raise ConfigError("Expected a width for a likelihood that has one, got none.", value=log_scale)
    return log_scale

"""A kind of likelihood: how features become one. What a decoder's ``likelihood`` names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from vaezoo.core.likelihood.base import Likelihood
from vaezoo.errors import ConfigError


class LikelihoodKind(ABC, nn.Module):
    """Makes a likelihood of a decoder's features; :class:`vaezoo.core.LikelihoodHead` finds it by its name.

    The parameters of its constructor are options, each with a default: ``student-t(nu=4)`` sets one.

    Attributes:
        gives: What it makes.
        scales: Words for the width that it takes beside a number, of ``learned`` and ``pixel``; empty where it has no
            width, or its own.
        per_channel: Channels of features for each of the image's.
        channels: Image channels C.
    """

    gives: ClassVar[type[Likelihood]]
    scales: ClassVar[tuple[str, ...]] = ()
    per_channel: int = 1
    channels: int

    @property
    def outputs(self) -> int:
        """Channels of features, without those of a width per pixel."""
        return self.per_channel * self.channels

    def setup(self, channels: int) -> None:
        """Takes note of the image channels; called once by the head, before anything else."""
        self.channels = channels

    @abstractmethod
    def forward(self, features: Tensor, log_scale: Tensor | None, base: Tensor | None) -> Likelihood:
        """Returns the likelihood.

        Args:
            features: (K·B, outputs, H, W).
            log_scale: log of the standard deviation, broadcastable to the image; None where ``scales`` is empty.
            base: Image that the mean is a correction of, (K·B, C, H, W).
        """


def corrected(features: Tensor, base: Tensor | None) -> Tensor:
    """Returns the base plus the features, or these alone where there is no base."""
    return features if base is None else base + features


def known(log_scale: Tensor | None) -> Tensor:
    """Returns the width, which the head gives to every kind whose ``scales`` are not empty.

    Raises:
        ConfigError: There is none.
    """
    if log_scale is None:
        raise ConfigError("Expected a width for a likelihood that has one, got none.", value=log_scale)
    return log_scale

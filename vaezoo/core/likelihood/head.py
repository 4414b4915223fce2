"""The likelihood head: the last layer of all decoders, from features to a likelihood."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib import import_module
from inspect import signature
from typing import Any, final

import torch
from torch import Tensor, nn

from vaezoo.core.beliefs.posterior import bound_logvar
from vaezoo.core.choice import check_options
from vaezoo.core.likelihood.base import Likelihood
from vaezoo.core.likelihood.kind import LikelihoodKind
from vaezoo.core.likelihood.names import kind_target, parse_kind
from vaezoo.errors import ConfigError, suggest, words_of

LOGVAR_PIXEL = (-16.0, -2.0)
"""Soft bounds of log σ² per pixel: σ from 0.1/255 to 0.37, wide enough for noise of 75/255."""


@final
class LikelihoodHead(nn.Module):
    """Makes a likelihood of a decoder's last features.

    Args:
        kind: Kind of likelihood: a declared name, or ``package.module:Class`` of a
            :class:`vaezoo.core.LikelihoodKind`, with options in brackets: ``student-t(nu=4)``.
        channels: Image channels C.
        scale: Standard deviation of a pixel, for kinds that have a width: a number (fixed), ``learned`` (one number for
            all pixels), ``pixel`` (the network predicts one for each pixel) or ``optimal`` (Gaussian only).

    Attributes:
        outputs: Number of channels that the network must give: the kind's, and C more if it predicts the scale too.
        form: Kind of likelihood, as a module.

    Raises:
        ConfigError: The kind, an option or the scale is unknown.
    """

    def __init__(self, kind: str, channels: int, scale: float | str = "learned") -> None:
        super().__init__()
        name, options = parse_kind(kind)
        if (name, scale) == ("gaussian", "optimal"):
            name = "optimal-gaussian"
        else:
            _check_scale(name, scale)
        self.kind, self.width = name, scale
        self.form = made_kind(name, options)
        self.form.setup(channels)
        self.per_pixel = scale == "pixel" and "pixel" in self.form.scales
        self.outputs = self.form.outputs + channels * self.per_pixel
        self.log_scale: nn.Parameter | None = None
        if scale == "learned" and "learned" in self.form.scales:
            self.log_scale = nn.Parameter(torch.tensor(math.log(0.1)))

    def forward(self, features: Tensor, base: Tensor | None = None) -> Likelihood:
        """Returns the likelihood.

        Args:
            features: Features (K·B, outputs, H, W).
            base: Image (K·B, C, H, W) that the mean is a correction of, for kinds whose features are an image.
        """
        log_scale: Tensor | None = None
        if self.per_pixel:
            features, raw = features[:, : self.form.outputs], features[:, self.form.outputs :]
            log_scale = 0.5 * bound_logvar(raw.float(), *LOGVAR_PIXEL)
        elif self.log_scale is not None:
            log_scale = self.log_scale.clamp_min(math.log(1 / 512))
        elif not isinstance(self.width, str):
            log_scale = features.new_tensor(math.log(self.width))
        likelihood: Likelihood = self.form(features, log_scale, base)
        return likelihood


def kind_class(name: str) -> type[LikelihoodKind]:
    """Imports the class of a kind of likelihood.

    Args:
        name: Declared name, or ``package.module:Class``.

    Raises:
        ConfigError: The class cannot be imported, or is no :class:`vaezoo.core.LikelihoodKind`.
    """
    found = kind_target(name)
    try:
        if isinstance(found, str):
            module, _, attribute = found.partition(":")
            found = getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"The likelihood {name!r} needs {found}, which fails with {type(error).__name__}: {words_of(error)}.",
            hint="Install the plugin that has it.",
            value=name,
        ) from error
    if not (isinstance(found, type) and issubclass(found, LikelihoodKind)):
        raise ConfigError(f"Expected {name!r} to be a class that inherits LikelihoodKind.", value=found)
    return found


def made_kind(name: str, options: Mapping[str, Any]) -> LikelihoodKind:
    """Makes a kind of likelihood with its options.

    Raises:
        ConfigError: An option is unknown, or its value is refused.
    """
    found = kind_class(name)
    known = () if found.__init__ is nn.Module.__init__ else tuple(signature(found).parameters)
    for option in options:
        if option not in known:
            raise ConfigError(
                f"The likelihood {name!r} has no option {option!r}.", hint=suggest(option, known), value=option
            )
    if options:
        check_options(f"{name}(...)", "likelihood", options, found.__init__, skip=1)
    return found(**options)


def _check_scale(kind: str, scale: float | str) -> None:
    words = ("learned", "pixel", "optimal") if kind == "gaussian" else ("learned", "pixel")
    if isinstance(scale, str) and scale not in words:
        raise ConfigError(
            f"Expected a scale for a {kind} likelihood, a number or a word, got {scale!r}.",
            hint=suggest(scale, words),
            value=scale,
        )
    if not isinstance(scale, str) and not scale > 0:
        raise ConfigError(f"Expected a positive scale, got {scale}.", value=scale)

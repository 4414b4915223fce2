"""Every error that vaezoo raises on purpose, each with the value that caused it and what to do.

Nothing here is raised for a fault of the library itself: those stay ordinary Python errors.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, ClassVar


class VaezooError(Exception):
    """Says what was expected, what came and what to do.

    Args:
        message: What was expected and what came, with the value in it.
        hint: What to do about it; appended to the message.
        value: The value that caused the error, for programs.

    Attributes:
        code: A stable name for programs, such as ``"unknown-name"``.
        exit_code: The status the command line ends with: 1 an input could not be handled, 2 usage or
            configuration, 3 unknown name, 4 integrity of weights, 5 network, 6 offline, 7 plugin.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None, value: Any = None) -> None:
        super().__init__(f"{message} {hint}" if hint else message)
        self.hint = hint
        self.value = value


class ImageError(VaezooError):
    """A picture, file or tensor, that cannot be used as it is."""

    code = "image"


class ShapeError(ImageError):
    """A tensor of the wrong shape, channel count, dtype or range."""

    code = "shape"


class DataMissing(VaezooError):
    """A data set that is in none of the folders of ``$VAEZOO_DATA``."""

    code = "data-missing"


class TrainingError(VaezooError):
    """A training run that cannot start or go on: a stray parameter, too many bad steps in a row."""

    code = "training"


class CheckpointError(VaezooError):
    """A checkpoint that belongs to another configuration, or is none."""

    code = "checkpoint"


class NotNormalised(VaezooError):
    """A likelihood in nats was asked of something that is not a normalised density."""

    code = "not-normalised"


class ConfigError(VaezooError):
    """A configuration key or value that nothing understands."""

    code = "config"
    exit_code = 2


class IncompatibleParts(ConfigError):
    """An encoder, prior, decoder or loss that cannot work with another."""

    code = "incompatible-parts"


class UnknownName(VaezooError):
    """A model, part, tag, data set or recipe that nobody registered."""

    code = "unknown-name"
    exit_code = 3


class DuplicateName(VaezooError):
    """A name that two owners register."""

    code = "duplicate-name"
    exit_code = 7


class WeightsError(VaezooError):
    """Weights that cannot be trusted or do not fit: wrong hash, wrong tensors, not safetensors, not finite."""

    code = "weights"
    exit_code = 4


class HashMismatch(WeightsError):
    """A file, or a recipe, whose sha256 is not the one its card or ``vaezoo.yaml`` pins."""

    code = "hash-mismatch"


class TensorMismatch(WeightsError):
    """A weight file whose tensors are not the model's: missing, extra, of another shape."""

    code = "tensor-mismatch"


class LockMismatch(VaezooError):
    """A model that is not as ``vaezoo.lock`` says: other weights, values or plugins, or none of that name."""

    code = "lock-mismatch"
    exit_code = 4


class StoreError(VaezooError):
    """A folder or cache that cannot hold what it should: no space, no permission, or a disk that fails."""

    code = "store"


class NetworkError(VaezooError):
    """Weights that could not be fetched: no connection, a refusal, an answer that breaks off."""

    code = "network"
    exit_code = 5


class OfflineError(VaezooError):
    """Weights that are not on this machine while the network is not to be used."""

    code = "offline"
    exit_code = 6


class PluginError(VaezooError):
    """A plugin that could not be loaded, or one of its models was asked for."""

    code = "plugin"
    exit_code = 7


class BackendUnavailable(VaezooError):
    """A package that one model or verb needs cannot be imported; nothing else is affected."""

    code = "backend"
    exit_code = 7


def suggest(name: str, known: Iterable[str]) -> str:
    """Returns a sentence that names the nearest known names, or all of them where few are known."""
    options = sorted(set(known))
    near = difflib.get_close_matches(name, options, n=3, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(repr(n) for n in near)}?"
    if not options:
        return "None is known."
    return f"Known: {', '.join(options)}." if len(options) <= 16 else f"{len(options)} are known."

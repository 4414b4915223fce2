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
        hint: What to do about it; appended to the message. Where None, the class's general ``advice`` is the hint,
            and the message stays as it is.
        value: The value that caused the error, for programs.

    Attributes:
        code: A stable name for programs, such as ``"unknown-name"``.
        exit_code: The status the command line ends with: 1 an input could not be handled, 2 usage or
            configuration, 3 unknown name, 4 integrity of weights, 5 network, 6 offline, 7 plugin.
        advice: What to do about errors of this kind in general.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    advice: ClassVar[str] = "Read the message; vaezoo doctor looks at the installation."

    def __init__(self, message: str, *, hint: str | None = None, value: Any = None) -> None:
        super().__init__(f"{message} {hint}" if hint else message)
        self.hint = hint or self.advice
        self.value = value


class ImageError(VaezooError):
    """A picture, file or tensor, that cannot be used as it is."""

    code = "image"
    advice = "Look at the file: it may be cut off, of another kind, or in a place that cannot be written."


class ShapeError(ImageError):
    """A tensor of the wrong shape, channel count, dtype or range."""

    code = "shape"
    advice = "Bring the tensor into the shape, type and range that the message names."


class DataMissing(VaezooError):
    """A data set that is in none of the folders of ``$VAEZOO_DATA``."""

    code = "data-missing"
    advice = "Put the data set into a folder and name that in VAEZOO_DATA."


class TrainingError(VaezooError):
    """A training run that cannot start or go on: a stray parameter, too many bad steps in a row."""

    code = "training"
    advice = "Look at the run's journal; try a lower optimizer.lr."


class CheckpointError(VaezooError):
    """A checkpoint that belongs to another configuration, or is none."""

    code = "checkpoint"
    advice = "Use another --out, or --no-resume to start over."


class NotNormalised(VaezooError):
    """A likelihood in nats was asked of something that is not a normalised density."""

    code = "not-normalised"
    advice = "Ask for the bound, or for PSNR, instead of a likelihood."


class ConfigError(VaezooError):
    """A configuration key or value that nothing understands."""

    code = "config"
    exit_code = 2
    advice = "See vaezoo explain NAME, or the --help of the verb."


class IncompatibleParts(ConfigError):
    """An encoder, prior, decoder or loss that cannot work with another."""

    code = "incompatible-parts"
    advice = "Choose another of the two parts; vaezoo explain NAME shows what each gives and takes."


class PartMismatch(ConfigError):
    """A part whose constructor takes something else than its configuration or its facts function says."""

    code = "part-mismatch"
    advice = "Build the part from its configuration, so that its parameters stand once."


class UnknownName(VaezooError):
    """A model, part, tag, data set or recipe that nobody registered."""

    code = "unknown-name"
    exit_code = 3
    advice = "See vaezoo list."


class DuplicateName(VaezooError):
    """A name that two owners register."""

    code = "duplicate-name"
    exit_code = 7
    advice = "Say plugin/name, or choose another name."


class WeightsError(VaezooError):
    """Weights that cannot be trusted or do not fit: wrong hash, wrong tensors, not safetensors, not finite."""

    code = "weights"
    exit_code = 4
    advice = "Fetch the weights again, or reinstall the package that ships them."


class HashMismatch(WeightsError):
    """A file, or a recipe, whose sha256 is not the one its card or ``vaezoo.yaml`` pins."""

    code = "hash-mismatch"
    advice = "Fetch the file again; nothing of it was used."


class SizeMismatch(HashMismatch):
    """A file that is longer or shorter than its card says, so that its sha256 cannot be right either."""

    code = "size-mismatch"
    advice = "Look whether the URL leads to the file of this card; nothing of it was used."


class ProbeMismatch(WeightsError):
    """Weights that have their hash, but whose model does not give the output that their card states."""

    code = "probe-mismatch"
    advice = "The code has changed since they were trained: report it."


class TensorMismatch(WeightsError):
    """A weight file whose tensors are not the model's: missing, extra, of another shape."""

    code = "tensor-mismatch"
    advice = "Create the model with the configuration that the weights were trained with."


class LockMismatch(VaezooError):
    """A model that is not as ``vaezoo.lock`` says: other weights, values or plugins, or none of that name."""

    code = "lock-mismatch"
    exit_code = 4
    advice = "Put back what the lock names, or write it anew by vaezoo lock."


class StoreError(VaezooError):
    """A folder or cache that cannot hold what it should: no space, no permission, or a disk that fails."""

    code = "store"
    advice = "Free some space (vaezoo cache prune), or use another disk."


class NetworkError(VaezooError):
    """Weights that could not be fetched: no connection, a refusal, an answer that breaks off."""

    code = "network"
    exit_code = 5
    advice = "Look at the network, a proxy (HTTPS_PROXY) or a mirror (VAEZOO_MIRROR)."


class OfflineError(VaezooError):
    """Weights that are not on this machine while the network is not to be used."""

    code = "offline"
    exit_code = 6
    advice = "Run vaezoo fetch NAME with the network on."


class PluginError(VaezooError):
    """A plugin that could not be loaded, or one of its models was asked for."""

    code = "plugin"
    exit_code = 7
    advice = "See vaezoo plugins list."


class BackendUnavailable(VaezooError):
    """A package that one model or verb needs cannot be imported; nothing else is affected."""

    code = "backend"
    exit_code = 7
    advice = "Install the package that the message names."


def suggest(name: str, known: Iterable[str]) -> str:
    """Returns a sentence that names the nearest known names, or all of them where few are known."""
    options = sorted(set(known))
    near = difflib.get_close_matches(name, options, n=3, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(repr(n) for n in near)}?"
    if not options:
        return "None is known."
    return f"Known: {', '.join(options)}." if len(options) <= 16 else f"{len(options)} are known."

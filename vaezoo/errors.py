"""The errors that vaezoo raises on purpose. Each holds the value that caused it and says what to do.

A fault of the library itself raises none of these, but an ordinary Python error.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, ClassVar


class VaezooError(Exception):
    """Base class of all errors of vaezoo: says what was expected, what came and what to do.

    Args:
        message: What was expected and what came, with the value.
        hint: What to do about it, appended to the message. None leaves the message alone; ``self.hint`` is then the
            class's ``advice``.
        value: The value that caused the error, for programs.

    Attributes:
        code: Stable name for programs, such as ``"unknown-name"``.
        exit_code: Exit status of the command line. 1: an input could not be handled. 2: usage or configuration.
            3: unknown name. 4: integrity of weights. 5: network. 6: offline. 7: plugin.
        advice: General advice on errors of this class.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    advice: ClassVar[str] = "Read the message. vaezoo doctor checks the installation."

    def __init__(self, message: str, *, hint: str | None = None, value: Any = None) -> None:
        super().__init__(f"{message} {hint}" if hint else message)
        self.hint = hint or self.advice
        self.value = value


class ImageError(VaezooError):
    """An image, as a file or a tensor, cannot be used as it is."""

    code = "image"
    advice = "Check the file. It may be truncated, of another format, or in a place that cannot be written."


class ShapeError(ImageError):
    """A tensor has the wrong shape, number of channels, dtype or range of values."""

    code = "shape"
    advice = "Convert the tensor to the shape, type and range that the message names."


class DataMissing(VaezooError):
    """A data set is in none of the folders of ``$VAEZOO_DATA``."""

    code = "data-missing"
    advice = "Put the data set into a folder and name that in VAEZOO_DATA."


class TrainingError(VaezooError):
    """A training run cannot start or go on: an unexpected parameter, or too many bad steps in a row."""

    code = "training"
    advice = "Look at the run's log. A lower optimizer.lr may help."


class CheckpointError(VaezooError):
    """A checkpoint belongs to another configuration, or the file is not a checkpoint."""

    code = "checkpoint"
    advice = "Use another --out, or --no-resume to start over."


class NotNormalised(VaezooError):
    """A likelihood in nats was asked of something that is not a normalised density."""

    code = "not-normalised"
    advice = "Measure the bound, or PSNR, instead of a likelihood."


class ConfigError(VaezooError):
    """A configuration has an unknown key, or a value of the wrong type or range."""

    code = "config"
    exit_code = 2
    advice = "See vaezoo explain NAME, or the --help of the command."


class IncompatibleParts(ConfigError):
    """An encoder, prior, decoder or loss cannot work with another part."""

    code = "incompatible-parts"
    advice = "Choose another of the two parts; vaezoo explain NAME shows what each gives and takes."


class PartMismatch(ConfigError):
    """The constructor of a part takes other arguments than its configuration or its facts function."""

    code = "part-mismatch"
    advice = "Build the part from its configuration, so that its parameters are written once."


class UnknownName(VaezooError):
    """No model, part, tag, data set or recipe has this name."""

    code = "unknown-name"
    exit_code = 3
    advice = "See vaezoo list."


class DuplicateName(VaezooError):
    """Two owners register the same name."""

    code = "duplicate-name"
    exit_code = 7
    advice = "Use plugin/name, or choose another name."


class WeightsError(VaezooError):
    """Weights cannot be trusted or do not fit: wrong hash, wrong tensors, not safetensors, not finite."""

    code = "weights"
    exit_code = 4
    advice = "Fetch the weights again, or reinstall the package that ships them."


class HashMismatch(WeightsError):
    """The sha256 of a file or a recipe is not the one on its card or in ``vaezoo.yaml``."""

    code = "hash-mismatch"
    advice = "Fetch the file again. It was not used."


class SizeMismatch(HashMismatch):
    """A file is longer or shorter than its card says. Its sha256 cannot be right either."""

    code = "size-mismatch"
    advice = "Check that the URL is that of the card's file. The file was not used."


class ProbeMismatch(WeightsError):
    """Weights have the right hash, but the model does not give the output that their card states."""

    code = "probe-mismatch"
    advice = "The code has changed since they were trained: report it."


class TensorMismatch(WeightsError):
    """The tensors of a weight file are not the model's: some are missing, extra or of another shape."""

    code = "tensor-mismatch"
    advice = "Create the model with the configuration that the weights were trained with."


class LockMismatch(VaezooError):
    """A model is not as ``vaezoo.lock`` says: it has other weights, values or plugins, or is not in the lock."""

    code = "lock-mismatch"
    exit_code = 4
    advice = "Put back what the lock names, or write it anew by vaezoo lock."


class StoreError(VaezooError):
    """A folder or cache cannot store a file: no space, no permission, or a disk error."""

    code = "store"
    advice = "Free some space (vaezoo cache prune), or use another disk."


class NetworkError(VaezooError):
    """Weights could not be fetched: no connection, a refusal, or an answer that breaks off."""

    code = "network"
    exit_code = 5
    advice = "Check the network, the proxy (HTTPS_PROXY) or the mirror (VAEZOO_MIRROR)."


class OfflineError(VaezooError):
    """Weights are not on this machine, and the network must not be used."""

    code = "offline"
    exit_code = 6
    advice = "Run vaezoo fetch NAME with the network on."


class PluginError(VaezooError):
    """A plugin could not be loaded, or one of its models was asked for."""

    code = "plugin"
    exit_code = 7
    advice = "See vaezoo plugins list."


class BackendUnavailable(VaezooError):
    """A package that one model or command needs cannot be imported. Nothing else is affected."""

    code = "backend"
    exit_code = 7
    advice = "Install the package that the message names."


def words_of(error: BaseException) -> str:
    """Returns the message of an error in one line. The error's own code may fail while it says it.

    What a terminal would obey and not show, such as the codes that move its cursor, is written out as its number.
    """
    try:
        line = " ".join(str.__str__(str(error)).split())
        return line if line.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
    except KeyboardInterrupt:
        raise
    except BaseException:  # a stranger's error may raise anything
        return "(its message cannot be read)"


def suggest(name: str, known: Iterable[str]) -> str:
    """Returns a sentence that names the nearest known names, or all known names where they are few."""
    options = sorted(set(known))
    near = difflib.get_close_matches(name, options, n=3, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(repr(n) for n in near)}?"
    if not options:
        return "None is known."
    return f"Known: {', '.join(options)}." if len(options) <= 16 else f"{len(options)} are known."

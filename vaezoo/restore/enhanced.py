"""Enhancing one image of any kind. The result is of the same kind, with its uncertainty."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaezoo.errors import ConfigError, UnknownName, suggest
from vaezoo.host.kinds import names_of
from vaezoo.image.file.convert import open_image
from vaezoo.image.resize import resize
from vaezoo.registry.calibration import Calibration
from vaezoo.restore.familiar import doubt_of, signs_of
from vaezoo.restore.interval import Interval, find_calibration, interval_of
from vaezoo.restore.numbers import is_number
from vaezoo.restore.restorer import Model, Restorer, root_mean_square
from vaezoo.restore.task import LARGEST_STRENGTH, Task, is_generative, make_task, purpose_of

USUAL = "denoise"
"""Task if neither the user nor the model names one."""


@dataclass(frozen=True)
class Enhanced:
    """An enhanced image with its uncertainty.

    Attributes:
        image: Result, of the same kind as the input; a `vaezoo.image.Picture` if the input was a path.
        uncertainty: Predicted standard deviation of the error, (H, W) float32, in units of the pixel value in [0, 1]:
            root mean square over channels. None if the model predicts none. It is the model's own, whatever
            ``strength`` and ``detail``.
        scale: Predicted standard deviation per channel, (H, W, C).
        seconds: Wall-clock time of the model in seconds, without files.
        tile: Side of the tiles, in pixels.
        device: Device that the model ran on.
        restored: Output of the model, (H, W, C) float32 in [0, 1], whatever ``strength``. Intervals are centred on it.
        calibration: Calibration of the weights, if their card has one.
        facts: Facts from the task. Denoising has ``noise_levels`` (an estimate, in grey levels), super-resolution
            ``consistency_levels``, and brightening ``gain`` (the factor of the light).
        average: Mean of the samples, of the same kind as the image; None if no samples were requested.
        spread: Standard deviation of the samples, (H, W) float32, root mean square over channels. It is less than the
            error: it shows where the model sees several answers, not how large the error may be.
        doubt: Reason why ``uncertainty`` cannot be trusted: the image is unlike those of the calibration; see
            `vaezoo.restore.familiar`. Empty if there is no reason. Otherwise there is no ``calibration``.
        invented: What ``detail`` added: the image minus ``restored``, (H, W, C) float32, at strength 1. None without
            ``detail``.
    """

    image: Any
    uncertainty: np.ndarray | None
    scale: np.ndarray | None
    seconds: float
    tile: int
    device: str
    restored: np.ndarray
    calibration: Calibration | None = None
    facts: Mapping[str, float] = field(default_factory=dict)
    average: Any = None
    spread: np.ndarray | None = None
    invented: np.ndarray | None = None
    doubt: str = ""

    @property
    def sd(self) -> np.ndarray:
        """Standard deviation of the error per channel, (H, W, C): ``scale`` times the calibration's factor, if any.

        With ``detail`` it is √(sd² + ``invented``²), since the added detail is likely but not known.

        Raises:
            ConfigError: The model predicts no standard deviation.
        """
        sd = self._stated() * np.float32(1 if self.calibration is None else self.calibration.factor)
        return sd if self.invented is None else np.hypot(sd, self.invented)

    def interval(self, level: float = 90, *, over: str = "pixels") -> Interval:
        """Returns an interval around ``restored`` for the clean values; see `vaezoo.restore.interval.interval_of`.

        Raises:
            ConfigError: The model predicts no standard deviation, the level is not available, or ``over`` needs a
                calibration and there is none.
        """
        return interval_of(self.restored, self._stated(), self.calibration, level, over)

    def _stated(self) -> np.ndarray:
        if self.scale is None:
            raise ConfigError(
                "The model predicts no uncertainty.", hint="Choose another, such as denoise.", value=self.scale
            )
        return self.scale


def enhance(
    image: Any,
    *,
    task: str | Task | None = None,
    model: str | Model | None = None,
    tile: int | None = None,
    strength: float = 1.0,
    samples: int = 0,
    detail: float = 0.0,
    seed: int = 0,
    self_ensemble: bool = False,
    precision: str = "fp32",
    device: str | torch.device | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Enhanced:
    """Enhances one image of any size and kind.

    Args:
        image: Image: a path, `vaezoo.image.Picture`, PIL image, array or tensor; see `vaezoo.image.open_image`. The
            alpha channel is left unchanged.
        task: Task: a name such as ``"denoise"`` or ``"sr"`` (see ``vaezoo list --kind tasks``), or a `Task`. None means
            the task of the model, or denoising if there is no model.
        model: Model or its name. Passing the model saves loading it again. None means the task's default.
        tile: Largest side of a tile, in pixels. None means 768, or less if memory runs out.
        strength: Strength of the change: 0 leaves the image as it is, 1 gives the model's result, and values between
            give a mixture. Up to 3, a denoiser that takes the noise level receives it multiplied by the strength, and
            smooths more. Denoising also has ``luma`` and ``chroma``, for brightness and colour.
        samples: Number of samples for ``average`` and ``spread``.
        detail: Amount of likely texture to add, 0 to 1. At 0 the result is the mean of the likely answers, which is
            most accurate but smooth. At 1 it is one of them. ``invented`` and ``sd`` show where detail was added.
        seed: Random seed of the samples and the detail.
        self_ensemble: Whether to average the results for the image's eight rotations and mirror images. It is slightly
            better, in eight times the time.
        precision: Precision of the networks: ``"fp32"``, or ``"bf16"``, which is faster on processors that support it.
        device: Device, such as ``"cpu"``. None means that of a given model, or else a GPU if there is one.
        progress: Callback, called with the number of finished tiles and the number of all tiles.
        options: Options of a task given by name, such as ``sigma=25``, ``chroma=2``, ``factor=2`` or ``project=True``.

    Raises:
        ImageError: The image cannot be used. A `ShapeError` if its shape, dtype or range is the reason.
        ConfigError: ``strength`` or ``detail`` is out of range. The device, tile or precision cannot be used. The task
            has no such option. Samples are requested, but the task or model has none. The model only generates images.
        UnknownName: No model or task has this name.
    """
    chosen = choose_task(task, model, **options)
    found = chosen.model if model is None else model
    ready = load_model(found) if isinstance(found, str) else found
    settings: dict[str, Any] = {"tile": tile, "device": device, "samples": samples, "detail": detail, "seed": seed}
    settings |= {"self_ensemble": self_ensemble, "precision": precision, "chosen": model is not None}
    restorer = Restorer(ready, **settings)
    return enhance_with(restorer, image, task=chosen, strength=strength, progress=progress)


def enhance_with(
    restorer: Restorer,
    image: Any,
    *,
    task: Task | None = None,
    strength: float = 1.0,
    progress: Callable[[int, int], None] | None = None,
) -> Enhanced:
    """Enhances one image with a given restorer. The other arguments are those of `enhance`."""
    task = choose_task(task, restorer.model)
    if not (is_number(strength) and 0 <= strength <= LARGEST_STRENGTH):
        raise ConfigError(f"Strength is 0 to {LARGEST_STRENGTH:g}, not {strength!r}.", value=strength)
    if strength > 1 or task.apart:
        task, strength = task.stronger(strength, restorer), 1.0
    if (restorer.samples or restorer.detail) and not task.draws:
        raise ConfigError(
            f"The task {task.name!r} draws no samples.", hint="Ask for no samples and no detail.", value=task.name
        )
    if isinstance(image, str | os.PathLike):
        task = task.of_file(image)
    y, close = open_image(image)
    start = time.perf_counter()
    restored = task.restore(restorer, y, progress)
    x_hat, scale, average, spread = restored.image, restored.scale, restored.average, restored.spread
    seconds = time.perf_counter() - start
    own, invented = x_hat, None
    x_hat = x_hat if restored.mixed is None else restored.mixed
    if restorer.detail:
        if average is None:
            raise ConfigError("The model draws no samples.", hint="Ask for no detail.", value=restorer.detail)
        invented = (average - x_hat)[0].permute(1, 2, 0).numpy()
        x_hat, average, spread = average, None, None
    if strength < 1:
        x_hat = torch.lerp(resize(y, (x_hat.shape[2], x_hat.shape[3])), x_hat, strength)
    calibration, doubt = find_calibration(restored.model or restorer.model, task.name), ""
    if calibration is not None and scale is not None and calibration.usual and y.shape == scale.shape:
        doubt = doubt_of(signs_of(y, restored.image, scale), calibration.usual)
        calibration = None if doubt else calibration
    return Enhanced(
        image=close(x_hat),
        uncertainty=None if scale is None else root_mean_square(scale)[0, 0].numpy(),
        scale=None if scale is None else scale[0].permute(1, 2, 0).numpy(),
        seconds=seconds,
        tile=restored.tile,
        device=str(restorer.device),
        restored=own[0].permute(1, 2, 0).numpy(),
        calibration=calibration,
        facts=dict(restored.facts),
        average=None if average is None else close(average),
        spread=None if spread is None else root_mean_square(spread)[0, 0].numpy(),
        invented=invented,
        doubt=doubt,
    )


def choose_task(task: str | Task | None, model: str | Model | None, **options: Any) -> Task:
    """Returns the task to do: the given one, else that of the model, else denoising.

    Raises:
        UnknownName: No task or model has this name.
        ConfigError: ``task`` is neither a name nor a task. The task has no such option, or is a `Task` and options are
            given too. The model only generates images.
    """
    _refuse_generative(model)
    if isinstance(task, Task):
        if options:
            raise ConfigError(f"Expected no options beside a task that has its own, got {options}.", value=options)
        return task
    if task is None:
        task = purpose(model)
    if not isinstance(task, str):
        hint = "Give one such as 'sr', or make_task('sr', factor=2)."
        raise ConfigError(f"Expected a task's name, or a task, got {task!r}.", hint=hint, value=task)
    return make_task(task, **options)


def purpose(model: str | Model | None) -> str:
    """Returns the name of the task that a model was made for; denoising if unknown.

    Raises:
        UnknownName: The model's task is not declared.
    """
    if isinstance(model, str):
        from vaezoo.publish.loading import task_of

        try:
            declared: str | None = task_of(model)
        except UnknownName:  # making the model gives a better error
            declared = None
    else:
        declared = purpose_of(model)
    if declared is None or declared == "generate":  # unknown; a generative model is refused elsewhere
        return USUAL
    if declared.rpartition("/")[2] not in (known := names_of("task")):
        name = model if isinstance(model, str) else getattr(getattr(model, "origin", None), "name", "")
        raise UnknownName(
            f"The model {name!r} is for the task {declared!r}, which is not declared. {suggest(declared, known)}",
            hint="Install the plugin that has it, or say which task the model is to do.",
            value=declared,
        )
    return declared


def _refuse_generative(model: str | Model | None) -> None:
    """Raises for a model of the zoo that only generates images. It would turn a photo into a blur."""
    from vaezoo.host.manager import current_zoo
    from vaezoo.publish.loading import declared_as, folder_of

    where, name = "where it is declared", getattr(getattr(model, "origin", None), "name", "")
    generative = is_generative(model)
    if isinstance(model, str):
        try:
            generative, name = declared_as(model).generative, model
        except UnknownName:  # making the model gives a better error
            return
        where = f"in {folder / 'vaezoo.yaml'}" if (folder := folder_of(model)) else where
    if not generative:
        return
    registry, tasks = current_zoo().registry, names_of("task")
    others = [name for name, _, known in registry.models.all() if known.task in tasks and registry.cards_of(name)]
    raise ConfigError(
        f"Expected a model that restores images, but {name!r} generates them: its task is 'generate'.",
        hint=f"Take {', '.join(others)}, or another of vaezoo list --task denoise. "
        f"One of your own that was trained to restore says so by task: denoise, {where}.",
        value=name,
    )


def load_model(name: str, weights: Path | None = None) -> Model:
    """Opens a model like `vaezoo.publish.loading.open_model`, on a GPU if there is one.

    Raises:
        UnknownName: No model has this name.
        WeightsError: The weights are missing or cannot be trusted.
        ConfigError: A folder contains no model, or weights were given beside a folder.
    """
    from vaezoo.publish.loading import open_model

    model = open_model(name, weights)
    return model.to("cuda") if torch.cuda.is_available() else model

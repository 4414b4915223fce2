"""One call from any kind of image to a better one of the same kind, with its uncertainty."""

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
"""The task where neither the user nor the model says one."""


@dataclass(frozen=True)
class Enhanced:
    """An enhanced image.

    Attributes:
        image: Of the same kind as the input; a `vaezoo.image.Picture` where that was a path.
        uncertainty: Standard deviation of the clean image around the model's, (H, W) float32, in units of the
            pixel value in [0, 1]: root mean square over channels. None where the model states none. It is the
            model's own, whatever ``strength`` and ``detail``.
        scale: The same per channel, (H, W, C).
        seconds: Wall-clock time of the model, without files.
        tile: The tile side that was used, pixels.
        device: Where the model ran.
        restored: The model's own image, (H, W, C) float32 in [0, 1], whatever ``strength``: the middle of intervals.
        calibration: Of the weights, where their card has one.
        facts: What the task found: ``noise_levels`` (an estimate, grey levels) of denoising, ``consistency_levels``
            of super-resolution, ``gain`` (how many times as much light) of lighting.
        average: Mean of the samples, of the image's kind; None where none were asked for.
        spread: Standard deviation among the samples, (H, W) float32, root mean square over channels. Samples differ by
            less than they err, so it says where the model sees several answers, not how far it may be wrong.
        doubt: Why ``uncertainty`` is not to be believed of this picture: it is not like those that the weights were
            calibrated on, see `vaezoo.restore.familiar`. Empty where nothing says so; there is then no ``calibration``.
        invented: What ``detail`` put in: the image minus ``restored``, (H, W, C) float32, at a strength of 1; None
            without it.
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
        """The standard deviation per channel, (H, W, C): ``scale`` times the calibration's factor where there is one.

        With ``detail`` it is that of the detailed image: √(sd² + ``invented``²), since what is put in is likely, not
        known. It shows where.

        Raises:
            ConfigError: The model states none.
        """
        sd = self._stated() * np.float32(1 if self.calibration is None else self.calibration.factor)
        return sd if self.invented is None else np.hypot(sd, self.invented)

    def interval(self, level: float = 90, *, over: str = "pixels") -> Interval:
        """Returns where the clean values lie, around ``restored``; see `vaezoo.restore.interval.interval_of`.

        Raises:
            ConfigError: The model states no standard deviation, the level is not to be had, or there is no calibration
                and ``over`` needs one.
        """
        return interval_of(self.restored, self._stated(), self.calibration, level, over)

    def _stated(self) -> np.ndarray:
        if self.scale is None:
            raise ConfigError(
                "The model states no uncertainty.", hint="Choose another, such as denoise.", value=self.scale
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
        image: A path, `vaezoo.image.Picture`, PIL image, array or tensor, as `vaezoo.image.open_image` takes
            it. Alpha passes through untouched.
        task: What to do: a name such as ``"denoise"`` or ``"sr"``, see ``vaezoo list --kind tasks``, or a `Task`; None
            for what the model is for, and for denoising where none is given.
        model: A model's name, or the model itself, which saves loading it again; None for the task's own.
        tile: The largest side of a tile, pixels; None for 768, less when memory runs out.
        strength: 0 leaves the image as it is, 1 is the model's result, between them a mixture. Above 1, up to 3, a
            denoiser that is told the noise level is told one so many times higher, and smooths more. Denoising also
            takes ``luma`` and ``chroma``, strengths of their own for brightness and colour.
        samples: How many samples to draw for ``average`` and ``spread``.
        detail: 0 is the model's most faithful answer, a mean of many likely ones, and as smooth. Up to 1 it is one of
            them, with texture that is likely and not known; ``invented`` and ``sd`` say where.
        seed: Of the samples and the detail.
        self_ensemble: Whether the result is the mean over the picture's eight turns and mirror images: a little better,
            in eight times the time.
        precision: ``"fp32"``, or ``"bf16"`` for less time where the processor can.
        device: Such as ``"cpu"``; None for where a given model is, or a GPU where there is one.
        progress: Called with the tiles done and their number.
        options: Of a task given by name, such as ``sigma=25``, ``chroma=2``, ``factor=2`` or ``project=True``.

    Raises:
        ImageError: The image cannot be used; a `ShapeError` where its shape, dtype or range is the reason.
        ConfigError: ``strength`` or ``detail`` is out of range, the task or model draws no samples, the device, tile or
            precision cannot be used, the task has no such option, or the model makes pictures up and restores none.
        UnknownName: No model or task has this name.
    """
    chosen = choose_task(task, model, **options)
    found = chosen.model if model is None else model
    ready = load_model(found) if isinstance(found, str) else found
    settings: dict[str, Any] = {"tile": tile, "device": device, "samples": samples, "detail": detail, "seed": seed}
    restorer = Restorer(ready, self_ensemble=self_ensemble, precision=precision, **settings)
    return enhance_with(restorer, image, task=chosen, strength=strength, progress=progress)


def enhance_with(
    restorer: Restorer,
    image: Any,
    *,
    task: Task | None = None,
    strength: float = 1.0,
    progress: Callable[[int, int], None] | None = None,
) -> Enhanced:
    """Enhances one image with a restorer that is ready; the rest is as in `enhance`."""
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
    calibration, doubt = find_calibration(restorer.model, task.name), ""
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
    """Returns the task to do: the one given, else what the model is for, else denoising.

    Raises:
        UnknownName: No task or model has this name.
        ConfigError: The task has no such option, or is no name and options are given, or is neither name nor task; or
            the model makes pictures up and restores none.
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
    """Returns the name of the task that a model was made for; that of denoising where nothing says it.

    Raises:
        UnknownName: It was made for a task that nobody declares.
    """
    if isinstance(model, str):
        from vaezoo.publish.loading import task_of

        try:
            declared: str | None = task_of(model)
        except UnknownName:  # said better where the model is made
            declared = None
    else:
        declared = purpose_of(model)
    if declared is None or declared == "generate":  # nothing says it: what makes pictures up is refused elsewhere
        return USUAL
    if declared.rpartition("/")[2] not in (known := names_of("task")):
        name = model if isinstance(model, str) else getattr(getattr(model, "origin", None), "name", "")
        raise UnknownName(
            f"The model {name!r} is for the task {declared!r}, which nobody declares. {suggest(declared, known)}",
            hint="Install the plugin that has it, or say which task the model is to do.",
            value=declared,
        )
    return declared


def _refuse_generative(model: str | Model | None) -> None:
    """Refuses a model of the zoo that makes pictures up: of a photo it would leave a smear."""
    from vaezoo.host.manager import current_zoo
    from vaezoo.publish.loading import declared_as, folder_of

    where, name = "where it is declared", getattr(getattr(model, "origin", None), "name", "")
    generative = is_generative(model)
    if isinstance(model, str):
        try:
            generative, name = declared_as(model).generative, model
        except UnknownName:  # said better where the model is made
            return
        where = f"in {folder / 'vaezoo.yaml'}" if (folder := folder_of(model)) else where
    if not generative:
        return
    registry, tasks = current_zoo().registry, names_of("task")
    others = [name for name, _, known in registry.models.all() if known.task in tasks and registry.cards_of(name)]
    raise ConfigError(
        f"Expected a model that restores pictures, but {name!r} makes them up: its task is 'generate'.",
        hint=f"Take {', '.join(others)}, or another of vaezoo list --task denoise. "
        f"One of your own that was trained to restore says so by task: denoise, {where}.",
        value=name,
    )


def load_model(name: str, weights: Path | None = None) -> Model:
    """Returns a model as `vaezoo.publish.loading.open_model` does, on a GPU where there is one.

    Raises:
        UnknownName: No model has this name.
        WeightsError: Its weights cannot be had or trusted.
        ConfigError: A folder holds no model, or weights were given beside it.
    """
    from vaezoo.publish.loading import open_model

    model = open_model(name, weights)
    return model.to("cuda") if torch.cuda.is_available() else model

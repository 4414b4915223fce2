"""Training the stages of a recipe in order. Each starts from the weights of the one before."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from vaezoo.errors import CheckpointError, ConfigError
from vaezoo.train.checkpoint import WEIGHTS, has_its_weights, read_record, refuse_other_start
from vaezoo.train.loop import Run, train
from vaezoo.train.recipe import Recipe, Stage, recipe_hash


def train_stages(
    stages: Sequence[Stage],
    out: Path,
    *,
    before: Stage | None = None,
    resume: bool = True,
    minutes: float | None = None,
) -> list[Run]:
    """Trains stages in order, or continues them. Finished stages are left as they are.

    Args:
        stages: Stages, from `vaezoo.train.recipe.load_stages`, or a single one from `vaezoo.train.recipe.load_stage`.
        out: Folder of all stages. Each has a folder of its own in it.
        before: Finished stage whose weights the first one starts from. None if there is none.
        resume: Whether to continue from what is in the folders, instead of starting over.
        minutes: Wall time in minutes after which to stop with a checkpoint, over all stages. None means no limit.

    Returns:
        Result of each stage. Fewer than there are stages if training was stopped.

    Raises:
        ConfigError: The stage before is not finished.
        CheckpointError: A folder contains a run with other settings, or one that started from other weights.
        TrainingError: As for `vaezoo.train.loop.train`.
    """
    begun, ended = time.monotonic(), list[Run]()
    start = None if before is None else _weights_of(before, out, stages[0])
    for stage in stages:
        folder = out / stage.place
        left = None if minutes is None else max(0.0, minutes - (time.monotonic() - begun) / 60)
        run = finished(stage.settings, folder, start) if resume and stage is not stages[-1] else None
        run = run or train(stage.settings, folder, start=start, resume=resume, minutes=left)
        ended.append(run)
        start = run.weights
        if run.steps < run.total:
            break
    return ended


def _weights_of(before: Stage, out: Path, stage: Stage) -> Path:
    """Returns the weights of a finished stage, from which another starts."""
    weights = out / before.place / WEIGHTS
    record = read_record(out / before.place)
    if not weights.is_file() or record.get("steps", 0) < record.get("total_steps", 1):
        raise ConfigError(
            f"The stage {stage.place!r} starts from the stage {before.place!r}, which is not done in {out}.",
            hint="Leave --stage out to run all of them, or name the weights: warm_start=FILE.",
            value=before.place,
        )
    if not has_its_weights(out / before.place):
        raise CheckpointError(
            f"{weights} is not as its run saved it.",
            hint=f"Run --stage {before.place} again, which writes it anew from the checkpoint.",
            value=str(weights),
        )
    return weights


def finished(recipe: Recipe, folder: Path, start: Path | None) -> Run | None:
    """Returns the result of a finished run. None if there is none, or it has other settings or is not finished.

    Args:
        recipe: Settings of the run.
        folder: Folder of the run.
        start: Weights that the run must have started from. None if the settings say it.

    Raises:
        CheckpointError: The run started from other weights.
    """
    record = read_record(folder)
    done = record.get("steps", -1) == record.get("total_steps", 0) and (folder / WEIGHTS).is_file()
    if not done or record.get("recipe_sha256") != recipe_hash(recipe):
        return None
    if not has_its_weights(folder):
        warnings.warn(
            f"vaezoo: {folder / WEIGHTS} is not as its run saved it, so it is written anew from the checkpoint",
            stacklevel=2,
        )
        return None
    if start is not None:
        refuse_other_start(folder, record.get("warm_start_sha256", ""), start)
    return Run(folder, folder / WEIGHTS, record["steps"], record["total_steps"], record.get("reports", {}))

"""Measuring how well a model does a task, by the task's own protocol."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from vaezoo.evaluate.restoration import average, score
from vaezoo.restore.restorer import Restorer
from vaezoo.restore.task import Task


@torch.no_grad()
def evaluate_task(
    task: type[Task], restorer: Restorer, pictures: Iterable[Tensor], levels: Sequence[float] | None = None
) -> dict[float, dict[str, float]]:
    """Scores a model on clean images that are damaged and compared as the task's protocol says.

    Args:
        task: Class of the task, from `task_class`.
        restorer: Restorer with the model.
        pictures: Clean images, each (1, C, H, W) in [0, 1], in the order of the set. The index seeds the damage.
        levels: Levels of the damage, in the task's unit. None means those of the protocol.

    Returns:
        For each level, the means over images of the scores of `vaezoo.evaluate.score` and of the task's own facts.

    Raises:
        ConfigError: There are no images.
        ShapeError: An image cannot be taken.
    """
    levels = task.levels if levels is None else levels
    scores: dict[float, list[dict[str, float]]] = {level: [] for level in levels}
    for index, clean in enumerate(pictures):
        for level in levels:
            x, y, told = task.example(clean, level, index)
            restored = told.restore(restorer, y)
            x_hat, clean_part = task.compared(restored.image.clamp(0, 1), level), task.compared(x, level)
            whole = x_hat.shape == restored.image.shape  # luma has no scale of its own
            scores[level].append({**score(x_hat, clean_part, restored.scale if whole else None), **restored.facts})
    return {level: average(rows) for level, rows in scores.items()}

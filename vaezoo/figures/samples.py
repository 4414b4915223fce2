"""Samples of the prior."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from vaezoo.core import VAE, Noise
from vaezoo.errors import ConfigError
from vaezoo.evaluate.data import evaluating
from vaezoo.figures.sheet import Sheet, check_dots
from vaezoo.figures.subject import Cond, check_imagines, check_number, on_cpu, rows_of

PIECE = 256
"""Number of samples at once."""


@torch.no_grad()
def sample(
    model: VAE,
    n: int = 64,
    *,
    rows: int | None = None,
    columns: int | None = None,
    cond: Cond | None = None,
    seed: int = 0,
    size: tuple[int, int] | None = None,
    temperature: float = 1.0,
) -> Sheet:
    """Draws samples of the prior and shows their mean images.

    For a model with a class label there is a row for each class. All rows have the same noise, so a column shows one
    sample under each class.

    Args:
        model: Model. It runs in evaluation mode, and its mode is restored.
        n: Number of samples. It is ignored if classes have rows, or if both ``rows`` and ``columns`` are given.
        rows: Number of rows. If classes have rows, the largest number of classes.
        columns: Number of images per row. None: a nearly square sheet, or 10 if classes have rows.
        cond: Conditions, one row each. A given class has no rows of its own.
        seed: Random seed of the samples.
        size: (H, W) of the images. None means the model's default.
        temperature: Factor of the noise. 0 gives the prior's centre.

    Returns:
        Rows of images (C, H, W). Facts: ``samples``, ``seed``, and ``classes`` by condition if classes have rows.

    Raises:
        IncompatibleParts: The model restores images.
        ConfigError: A number is below 1, a condition has more than one row, or there are too many images to draw.
        ShapeError: A size is missing or impossible, or a condition is unknown.
    """
    check_imagines(model)
    for name, number in (("n", n), ("rows", rows), ("columns", columns)):
        check_number(name, 1 if number is None else number)
    counts = {} if model.conditioner is None else dict(model.conditioner.classes_of)
    told = next((name for name in counts if name not in (cond or {})), None)
    noise = Noise(temperature=temperature, seed=seed)
    for name, values in (cond or {}).items():
        if len(values) != 1:
            raise ConfigError(f"Expected 1 row of {name}, got {len(values)}.", value=len(values))
    with evaluating(model):
        if told is None:
            if rows and columns:
                n = rows * columns
            across = columns or (-(-n // rows) if rows else math.ceil(math.sqrt(n)))
            whole: tuple[Tensor, ...] = ()
            while len(whole) < n:  # in pieces, so that memory does not grow with n
                count = min(PIECE, n - len(whole))
                own = replace(noise, seed=seed + len(whole))
                images = model.sample(count, cond=rows_of(model, cond, count), size=size, noise=own)
                check_dots(n, images[0])
                whole += on_cpu(images)
            lines = tuple(whole[start : start + across] for start in range(0, n, across))
            return Sheet(lines, facts={"samples": n, "seed": seed})
        across, lines = columns or 10, ()
        classes = range(min(counts[told], rows or counts[told]))
        for number in classes:
            given = {**(cond or {}), told: torch.tensor([number])}
            images = model.sample(across, cond=rows_of(model, given, across), size=size, noise=noise)
            lines = (*lines, on_cpu(images))
    facts = {"samples": across * len(lines), "seed": seed, "classes": {told: list(classes)}}
    labels = tuple(f"{told.replace('_', ' ')} {number}" for number in classes)
    return Sheet(lines, labels, note="a column is one draw of the latents under each class", facts=facts)

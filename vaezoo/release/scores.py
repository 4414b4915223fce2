"""The scores on a card, by task, and the protocol that says how they were measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from vaezoo.core import VAE

NLL_SAMPLES = 100
Scores: TypeAlias = tuple[dict[str, Any], str, dict[str, Any]]
"""Scores by name, a description of their protocol, and the options of ``vaezoo eval`` that give them."""


def scores_of(model: VAE, data: Mapping[str, Any], samples: int = NLL_SAMPLES) -> Scores:
    """Measures a model's scores. Needs the test set in ``$VAEZOO_DATA``. Returns scores, protocol and options.

    Args:
        model: Model with its weights.
        data: Training data, the ``data`` of the recipe. A generative model is measured on its test split.
        samples: Number K of importance samples for a likelihood. 0 measures only the bound.
    """
    task = model.origin.spec.model.task
    return _likelihood(model, data, samples) if task == "generate" else _task(model, task)


def _task(model: VAE, task: str) -> Scores:
    from vaezoo.release.protocol import Protocol, flat
    from vaezoo.restore.task import task_class

    images, rows = Protocol(task).measure(model)
    dropped = ("rank_correlation", "ause", "crps_levels", "scale_levels", "rmse_levels", "gain")
    about = ("noise_", "removed_")  # facts about the image, not scores
    kept = [{k: value for k, value in row.items() if k not in dropped and not k.startswith(about)} for row in rows]
    scores = {key: round(value, 4) for key, value in flat(kept).items()}
    evaluation = {"data": images.source, "levels": list(Protocol(task).numbers())}
    return scores, f"{images.source}, {task_class(task).protocol or task}, mean over pictures", evaluation


def _likelihood(model: VAE, data: Mapping[str, Any], samples: int) -> Scores:
    from vaezoo.release.protocol import load_test_split, measure_likelihood

    (trained_on,) = data["sets"]
    binary = data["binarise"] or trained_on.startswith("static-")
    style = data.get("style", "")
    images = load_test_split(trained_on, bool(style) or model.channels == 1)
    found = measure_likelihood(model, images, nll=samples if binary else 0, binary=data["binarise"], style=style)
    evaluation = {
        "data": trained_on,
        **({"nll": samples} if binary and samples else {}),
        **({"binarise": True} if data["binarise"] else {}),
        **({"style": style} if style else {}),
        "seed": 0,
    }
    pixels = "binary pixels" if binary else "gray pixels under a Bernoulli likelihood"
    if style:
        pixels = "each in a style drawn by the seed, pixels under a Bernoulli likelihood"
    protocol = f"The test images of {trained_on}, {pixels}, nats per image, one posterior sample, seeded"
    return {key: round(value, 3) for key, value in found.items()}, protocol, evaluation

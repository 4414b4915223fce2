"""Measuring models: likelihood bounds, restoration and its uncertainty, disentanglement, distances between sets.

The package can be called: ``vaezoo.evaluate(model, data, metrics=["elbo"])`` is `vaezoo.evaluate.measure.evaluate`.
Every function takes tensors; data sets are opened elsewhere. Importing this package does not load torch: each name
loads its module at first use.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaezoo.evaluate.calibration import ause, coverage, ence, rank_correlation
    from vaezoo.evaluate.data import Data
    from vaezoo.evaluate.figures import draw_grid, write_grid
    from vaezoo.evaluate.likelihood import binarise, evaluate_likelihood
    from vaezoo.evaluate.predictive import Ranks, crps_gaussian, crps_samples, rank_histogram
    from vaezoo.evaluate.restoration import score

_HOME = {
    "Data": "data",
    "Ranks": "predictive",
    "ause": "calibration",
    "binarise": "likelihood",
    "coverage": "calibration",
    "crps_gaussian": "predictive",
    "crps_samples": "predictive",
    "draw_grid": "figures",
    "ence": "calibration",
    "evaluate_likelihood": "likelihood",
    "rank_correlation": "calibration",
    "rank_histogram": "predictive",
    "score": "restoration",
    "write_grid": "figures",
}

__all__ = [
    "Data",
    "Ranks",
    "ause",
    "binarise",
    "coverage",
    "crps_gaussian",
    "crps_samples",
    "draw_grid",
    "ence",
    "evaluate_likelihood",
    "rank_correlation",
    "rank_histogram",
    "score",
    "write_grid",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


class _Callable(ModuleType):
    def __call__(self, *args: Any, **settings: Any) -> dict[str, float]:
        from vaezoo.evaluate.measure import evaluate

        return evaluate(*args, **settings)


sys.modules[__name__].__class__ = _Callable

"""Enhancing pictures of any size and kind with a model of the zoo, and saying how sure it is.

Importing this package does not load torch; a name loads its module when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaezoo.registry.calibration import Calibration
    from vaezoo.restore.calibrate import fit_calibration
    from vaezoo.restore.enhanced import Enhanced, enhance, enhance_with, load_model
    from vaezoo.restore.figure import draw_comparison, write_figure
    from vaezoo.restore.interval import Interval
    from vaezoo.restore.restorer import Restorer
    from vaezoo.restore.uncertainty import write_uncertainty

__all__ = [
    "Calibration",
    "Enhanced",
    "Interval",
    "Restorer",
    "draw_comparison",
    "enhance",
    "enhance_with",
    "fit_calibration",
    "load_model",
    "write_figure",
    "write_uncertainty",
]

_HOME = {
    "Calibration": "vaezoo.registry.calibration",
    "Enhanced": "vaezoo.restore.enhanced",
    "Interval": "vaezoo.restore.interval",
    "Restorer": "vaezoo.restore.restorer",
    "draw_comparison": "vaezoo.restore.figure",
    "enhance": "vaezoo.restore.enhanced",
    "enhance_with": "vaezoo.restore.enhanced",
    "fit_calibration": "vaezoo.restore.calibrate",
    "load_model": "vaezoo.restore.enhanced",
    "write_figure": "vaezoo.restore.figure",
    "write_uncertainty": "vaezoo.restore.uncertainty",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)

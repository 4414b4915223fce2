"""Beliefs about latents: the posteriors that encoders return, and the kinds of belief by name.

The kinds import no torch.
"""

from typing import Any

import lazy_loader

from vaezoo.moved import NAMES, former

_lazy, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    return former(__name__, name, depth=4) if name in NAMES[__name__] else _lazy(name)

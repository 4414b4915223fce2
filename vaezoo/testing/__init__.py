"""The contract kit: tests that every model, task and plugin must pass. Inherit a class, name the object, run pytest.

    from vaezoo.testing import ModelContract, PluginContract, TaskContract

    class TestPlugin(PluginContract):
        package = "vaezoo_blur"

    class TestBlurBeta(ModelContract):
        model = "blur-beta"

    class TestUnblur(TaskContract):
        task = "unblur"

Without a file, ``pytest --vaezoo-plugin blur`` tests the models and tasks that a plugin declares.

This is the only package of vaezoo that imports pytest. It imports torch when a class is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from vaezoo.testing.facts import check_facts as check_facts
    from vaezoo.testing.facts import check_signature as check_signature
    from vaezoo.testing.model import ModelContract as ModelContract
    from vaezoo.testing.plugin import PluginContract as PluginContract
    from vaezoo.testing.task import TaskContract as TaskContract

pytest.register_assert_rewrite(*(f"vaezoo.testing.{name}" for name in ("facts", "model", "plugin", "task")))

_HOMES = {
    "ModelContract": "model",
    "PluginContract": "plugin",
    "TaskContract": "task",
    "check_facts": "facts",
    "check_signature": "facts",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""The contract kit: what every model and plugin must keep. Inherit a class, name what is tested, run pytest.

    from vaezoo.testing import ModelContract, PluginContract

    class TestPlugin(PluginContract):
        package = "vaezoo_blur"

    class TestBlurBeta(ModelContract):
        model = "blur-beta"

This is the one package of vaezoo that imports pytest.
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("vaezoo.testing.facts", "vaezoo.testing.model", "vaezoo.testing.plugin")

from .facts import check_facts, check_signature  # noqa: E402 (asserts are rewritten at import)
from .model import ModelContract  # noqa: E402
from .plugin import PluginContract  # noqa: E402

__all__ = ["ModelContract", "PluginContract", "check_facts", "check_signature"]

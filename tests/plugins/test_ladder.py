"""The contract of the ladder plugin."""

from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_ladder"


class TestDenoise(ModelContract):
    model = "denoise"
    params = {"widths": [16, 24, 32], "blocks": 1}

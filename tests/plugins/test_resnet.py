"""The contract of the residual plugin."""

from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_resnet"


class TestResnetBeta(ModelContract):
    model = "resnet-beta"

"""The contract of the dense plugin."""

from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_mlp"


class TestSeed(ModelContract):
    model = "mlp-seed"


class TestVAE(ModelContract):
    model = "mlp-vae"

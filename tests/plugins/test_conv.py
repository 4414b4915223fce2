"""The contract of the convolutional plugin."""

import torch
from torch import Tensor

from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_conv"


class TestConvBeta(ModelContract):
    model = "conv-beta"


class TestConditional(ModelContract):
    model = "conv-cvae"

    def cond(self, images: int) -> dict[str, Tensor]:
        return {"label": torch.arange(images) % 10}

"""The contract of the ladder plugin, and how its models lie in memory."""

import copy

import torch

from vaezoo import create
from vaezoo.core import Batch
from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_ladder"


class TestDenoise(ModelContract):
    model = "denoise"
    params = {"widths": [16, 24, 32], "blocks": 1}


def test_a_model_works_with_channels_last_and_its_weights_lie_as_before():
    model = create("denoise", pretrained=True)
    seen = []
    model.conditioner.register_forward_hook(lambda module, args, context: seen.append(context.features[-1]))
    y = torch.rand(1, 3, 40, 56)
    image = model.restore(y).image
    assert seen[0].is_contiguous(memory_format=torch.channels_last) and not seen[0].is_contiguous()
    assert all(tensor.is_contiguous() for tensor in model.state_dict().values())
    plain = copy.deepcopy(model)
    plain.conditioner._forward_pre_hooks.clear()
    torch.testing.assert_close(image, plain.restore(y).image, rtol=1e-4, atol=1e-5)
    model.train()
    model(Batch(y, y))
    assert seen[-1].is_contiguous()


def test_other_models_are_left_alone():
    assert create("conv-cvae").conditioner._forward_pre_hooks == {}

"""The contract of the ladder plugin, how its models lie in memory, and what they are told of the noise."""

import copy

import pytest
import torch

from vaezoo import create
from vaezoo.core import VAE, Batch
from vaezoo.errors import ShapeError
from vaezoo.image import psnr_db
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


SMALL = {"widths": [8, 12], "latents": [2, 2], "evidence": [4, 4], "blocks": 1}


def told() -> VAE:
    torch.manual_seed(0)
    model = create("denoise", tells=True, **SMALL).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return model


def test_a_level_is_a_constant_map_and_nan_is_unknown():
    model, y = told(), torch.rand(2, 3, 16, 24)
    level = torch.tensor([0.1, 0.2])
    by_level = model.restore(y, {"sigma": level}).image
    by_map = model.restore(y, {"sigma": level[:, None, None, None].expand(2, 1, 16, 24)}).image
    torch.testing.assert_close(by_level, by_map)
    blind = model.restore(y).image
    torch.testing.assert_close(model.restore(y, {"sigma": torch.full((2,), torch.nan)}).image, blind)
    half = model.restore(y, {"sigma": torch.tensor([0.1, torch.nan])}).image
    torch.testing.assert_close(half[1], blind[1])
    torch.testing.assert_close(half[0], by_level[0])
    assert not torch.allclose(by_level, blind) and not torch.allclose(by_level[0], model.restore(y).image[0])


def test_a_blind_models_weights_go_on_with_a_level_that_adds_nothing():
    model = told()
    model.conditioner.level.start_as_identity()
    y = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(model.restore(y, {"sigma": torch.tensor([0.3])}).image, model.restore(y).image)


@pytest.mark.parametrize(
    ("sigma", "says"),
    [
        (torch.ones(3), r"floats of shape \(2,\) or \(2, 1, 16, 16\), got torch.float32 of \(3,\)"),
        (torch.ones(2, dtype=torch.int64), "got torch.int64"),
        (torch.tensor([0.1, -0.5]), r"at least 0, in units of the pixel value, or NaN where unknown, got -0.5"),
        (torch.tensor([torch.inf, 0.0]), "got inf"),
    ],
)
def test_a_level_that_makes_no_sense_is_refused(sigma, says):
    with pytest.raises(ShapeError, match=says):
        told().restore(torch.rand(2, 3, 16, 16), {"sigma": sigma})


def test_a_size_that_the_stride_does_not_divide_is_denoised_as_well():
    """Seven pixels of padding once cost 3 dB of a whole gray picture."""
    model = create("denoise", pretrained=True)
    rows, columns = torch.meshgrid(torch.arange(161) / 20, torch.arange(201) / 25, indexing="ij")
    x = (0.5 + 0.3 * rows.sin() * columns.cos()).expand(1, 3, -1, -1)
    for noise in (torch.randn(1, 1, 161, 201).expand(1, 3, -1, -1), torch.randn(1, 3, 161, 201)):
        y = x + 25 / 255 * noise
        whole, part = model.restore(y).image, model.restore(y[..., :160, :200]).image
        loss = psnr_db(part, x[..., :160, :200]) - psnr_db(whole, x)
        assert float(loss) < 0.3 and float(psnr_db(whole, x)) > 34

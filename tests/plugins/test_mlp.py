"""The contract of the dense plugin."""

import pytest
import torch

from vaezoo import create
from vaezoo.core import Batch
from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_mlp"


class TestSeed(ModelContract):
    model = "mlp-seed"


class TestVAE(ModelContract):
    model = "mlp-vae"


@pytest.mark.parametrize("modulate", ["film", "adain"])
def test_gates_are_modulated_too(modulate: str) -> None:
    part = {"modulate": modulate}
    told = create("gated-vae", conditioner={"name": "style-code", "context_vector": 16}, encoder=part, decoder=part)
    batch = Batch(torch.rand(2, 1, 28, 28).round(), cond={"style_code": torch.rand(2, 5)})
    assert told(batch).elbo.isfinite().all()

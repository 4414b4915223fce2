"""The contract of the models of each likelihood, and that every backbone takes every likelihood."""

from __future__ import annotations

import pytest
import torch

from vaezoo import create, create_objective
from vaezoo.core import Batch
from vaezoo.core.likelihood.names import KINDS
from vaezoo.errors import ConfigError
from vaezoo.testing import PluginContract

from .pictures import bars


class TestPlugin(PluginContract):
    package = "vaezoo_likelihoods"


def pictures(colour: bool, step: int) -> torch.Tensor:
    gray = 0.1 + 0.8 * bars(16, step)
    if not colour:
        return gray
    padded = torch.nn.functional.pad(gray, (2, 2, 2, 2), value=0.1)
    return torch.cat([padded, 1 - padded, 0.5 * padded], 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", ["mlp-vae", "conv-beta", "resnet-beta"])
def test_every_backbone_takes_every_likelihood(model: str, kind: str) -> None:
    objective = create_objective(model, decoder={"likelihood": kind}, seed=0)
    terms = objective(Batch(torch.rand(2, 1, 28, 28)), 0)
    terms.loss.backward()
    assert terms.loss.isfinite()


def test_a_likelihood_that_is_none_is_refused_before_torch() -> None:
    with pytest.raises(ConfigError, match="Expected a likelihood, got 'student'"):
        create("conv-beta", decoder={"likelihood": "student"})


def test_options_come_through_a_models_configuration() -> None:
    model = create("conv-beta", decoder={"likelihood": "logistic-mixture(components=2, levels=16)"})
    assert model.decoder.head.outputs == 6 and model.decoder.head.form.levels == 16

"""Modules built blank: what is loaded next is not drawn first, and nothing else changes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import vaezoo
from vaezoo.core import with_revisions
from vaezoo.errors import TensorMismatch
from vaezoo.zoo.uninitialised import Blank


def test_parameters_are_not_drawn_and_buffers_are() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    with Blank():
        nn.Linear(50, 50)
        nn.Conv2d(3, 4, 3)
    assert torch.equal(torch.get_rng_state(), before)
    buffer = torch.zeros(100)
    with Blank():
        nn.init.normal_(buffer)
    assert buffer.std() > 0.5
    assert nn.Linear(50, 50).weight.std() > 0.05


def test_what_is_loaded_is_the_file_to_the_last_value() -> None:
    """A file from before a part had a revision is of revision 1."""
    from safetensors.torch import load_file

    for name in vaezoo.list_models(pretrained=True):
        model = vaezoo.create(name, pretrained=True)
        tensors = with_revisions(model, load_file(model.origin.weights.path))
        assert all(torch.equal(value, tensors[key].to(value.dtype)) for key, value in model.state_dict().items())


def test_weights_that_do_not_fit_leave_no_model() -> None:
    with pytest.raises(TensorMismatch):
        vaezoo.create("conv-beta", pretrained=True, latent_channels=3)

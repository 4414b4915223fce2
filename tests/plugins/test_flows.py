"""The contract of the flows, what is refused, and in which words; their densities are in test_flows_densities."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from vaezoo_flows import facts
from vaezoo_flows.encoder import FlowDenseEncoder
from vaezoo_flows.prior import FlowPrior

import vaezoo
from vaezoo.core import Context, Pyramid
from vaezoo.errors import ConfigError, IncompatibleParts
from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_flows"


class TestIAF(ModelContract):
    model = "iaf-vae"


class TestSpline(ModelContract):
    model = "spline-flow-vae"


class TestLinear(ModelContract):
    model = "linear-flow-vae"


class TestPrior(ModelContract):
    model = "flow-prior-vae"


def test_looking_loads_no_zuko() -> None:
    script = "import sys, vaezoo; [vaezoo.explain(n) for n in vaezoo.list_models()]; print('zuko' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_the_encoder_takes_the_widths_of_the_literature() -> None:
    """784-300-300-40, as the tables of static MNIST have it."""
    encoder = {"name": "flow-mlp", "hidden": [300, 300], "activation": "tanh", "latent_channels": 40}
    model = vaezoo.create("iaf-vae", encoder=encoder, decoder={"name": "mlp", "hidden": [300, 300]})
    z = model.encode(torch.rand(2, 1, 28, 28)).sample(3)[0]
    assert z.shape == (3, 2, 40)
    assert [m.out_features for m in model.encoder.body if isinstance(m, torch.nn.Linear)] == [300, 300]
    with pytest.raises(ConfigError, match=r"Expected an activation, got 'tahn'\. Did you mean 'tanh'"):
        vaezoo.create("iaf-vae", encoder={"name": "flow-mlp", "activation": "tahn"})


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"flow": "iav"}, "Expected a flow, got 'iav'. Did you mean 'iaf'"),
        ({"transforms": 0}, "transforms >= 1 and bins >= 2, got 0 and 8"),
        ({"bins": 1}, "got 4 and 1"),
        ({"flow_widths": (8,)}, r"at least as wide as the 16 latents for the flow 'iaf', got \(8,\)"),
        ({"flow_widths": ()}, r"got \(\)"),
        ({"flow_context": 0}, "flow_context of at least 1"),
    ],
)
def test_an_encoder_that_cannot_work_is_refused_before_it_is_built(settings, message):
    with pytest.raises(ConfigError, match=message):
        facts.encoder(16, **settings)
    with pytest.raises(ConfigError, match=message):
        vaezoo.create("iaf-vae", latent_channels=16, encoder={"name": "flow-mlp", "flow": "iaf", **settings})


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"flow": "iaf"}, "Expected a flow, got 'iaf'. Did you mean 'maf'"),
        ({"transforms": 0}, "got 0 and 8"),
        ({"flow_widths": (15,)}, "16 latents for the flow 'nsf'"),
    ],
)
def test_a_prior_that_cannot_work_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        facts.prior(16, **settings)
    with pytest.raises(ConfigError, match=message):
        FlowPrior(16, **settings)


def test_one_latent_has_no_autoregressive_prior_but_a_flow_posterior():
    with pytest.raises(ConfigError, match="at least 2 latents for the autoregressive flow 'nsf', got 1"):
        vaezoo.create("flow-prior-vae", latent_channels=1)
    for flow in facts.POSTERIOR_FLOWS:
        belief = FlowDenseEncoder(1, flow=flow)(torch.rand(2, 1, 28, 28), Context(2, (28, 28)))
        z, log_q = belief.sample(3)
        assert z.shape == (3, 2, 1) and log_q.shape == (3, 2)
        torch.testing.assert_close(belief.log_prob(z), log_q, atol=1e-3, rtol=1e-3)


def test_a_flow_prior_refuses_a_pyramid():
    with pytest.raises(IncompatibleParts, match="FlowPrior takes a posterior, but the encoder gives a pyramid"):
        FlowPrior(2).infer(Pyramid(()), Context(1, (28, 28)))


def test_a_dense_flow_does_not_fit_a_grid_of_several_cells():
    with pytest.raises(IncompatibleParts, match="takes 40 channels at stride"):
        vaezoo.create("iaf-vae", decoder={"name": "conv", "widths": [8], "gather": 1})


def test_flow_on_both_sides():
    model = vaezoo.create("iaf-vae", prior="flow").eval()
    x = (torch.rand(2, 1, 28, 28) > 0.5).float()
    bound = model(vaezoo.core.Batch(x), k=4)
    torch.testing.assert_close(bound.rate, (bound.latents.log_q - bound.latents.log_p).mean(0))
    assert model.nll(vaezoo.core.Batch(x), 5).isfinite().all()


def test_the_label_reaches_the_flow():
    model = vaezoo.create("iaf-vae", conditioner={"name": "labels", "classes": 10, "context_vector": 8})
    x = torch.rand(1, 1, 28, 28).expand(2, -1, -1, -1)
    belief = model.encode(x, cond={"label": torch.tensor([1, 7])})
    assert not torch.equal(belief.mean[0], belief.mean[1])

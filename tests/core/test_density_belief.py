"""A belief of the kind ``density``: a posterior that is no diagonal Gaussian, but knows log q of its draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from vaezoo.core import (
    VAE,
    Batch,
    Context,
    Decoder,
    DiagonalGaussian,
    ELBOLoss,
    Encoder,
    Gaussian,
    MixturePrior,
    Noise,
    NormalPrior,
    Posterior,
)
from vaezoo.core.facts import DecoderFacts, EncoderFacts, Grid, ModelFacts, PriorFacts, misfits
from vaezoo.core.facts.builtin import ELBOLossConfig, MixturePriorConfig, NormalPriorConfig
from vaezoo.testing import check_facts

BASE = DiagonalGaussian(torch.tensor([[0.3, -1.0]]), torch.tensor([[-1.0, 0.5]]))
ENCODER = EncoderFacts("density", (Grid(2),), 1, (2, 2))
DECODER = DecoderFacts(Grid(2), "gaussian", 1, (2, 2))


@dataclass(frozen=True)
class Wrapped(Posterior):
    """A Gaussian whose type the core does not know."""

    base: DiagonalGaussian
    silent: bool = False

    @property
    def mean(self) -> Tensor:
        return self.base.mean

    def sample(self, k=1, noise=None, *, stride=1, level=0):
        z, log_q = self.base.sample(k, noise, stride=stride, level=level)
        return z, None if self.silent else log_q

    def log_prob(self, z: Tensor) -> Tensor:
        return self.base.log_prob(z)


class Centred(Wrapped):
    """Its every draw is its centre."""

    def sample(self, k=1, noise=None, *, stride=1, level=0):
        return super().sample(k, Noise(temperature=0))


class WrappedEncoder(Encoder):
    channels, size = 1, (2, 2)

    def __init__(self, silent: bool) -> None:
        super().__init__()
        self.silent = silent

    def forward(self, image: Tensor, context: Context) -> Wrapped:
        rows = torch.zeros(len(image), 2)
        return Wrapped(DiagonalGaussian(rows, rows), self.silent)


class FlatDecoder(Decoder):
    channels, size = 1, (2, 2)

    def forward(self, state: Tensor, context: Context) -> Gaussian:
        return Gaussian(state.repeat(1, 2).view(-1, 1, 2, 2), torch.zeros(()))


@pytest.mark.parametrize("prior", [NormalPriorConfig(2).facts(), MixturePriorConfig(2).facts()])
def test_the_flat_priors_and_the_bound_take_it(prior):
    assert misfits(ModelFacts(ENCODER, prior, DECODER, ELBOLossConfig().facts())) == []


def test_a_prior_that_takes_other_beliefs_refuses_it():
    ladder = PriorFacts(frozenset({"pyramid"}), (Grid(2),), Grid(2))
    model = ModelFacts(ENCODER, ladder, DECODER, names={"encoder": "flow-mlp", "prior": "ladder"})
    assert misfits(model) == [
        "The encoder 'flow-mlp' gives a density belief, but the prior 'ladder' takes a pyramid one."
    ]


def test_its_rate_is_the_mean_of_log_q_minus_log_p():
    context, prior = Context(1, (2, 2)), NormalPrior(2)
    latents = prior.infer(Wrapped(BASE), context, 4096)
    assert latents.log_q is not None and latents.log_p is not None
    terms = latents.log_q - latents.log_p
    torch.testing.assert_close(latents.rate[0], terms.mean(0))
    exact = prior.infer(BASE, context).rate[0]
    assert (latents.rate[0] - exact).abs() < 5 * terms.std() / 64


def test_without_free_nats_a_negative_rate_is_neither_clamped_nor_cut_from_its_gradient():
    """One sample's log q − log p may be negative; clamped at 0, the bound was biased and the prior untrained."""
    prior = MixturePrior(2, components=1)
    prior.means.data.zero_()
    prior.raw_logvars.data.fill_(-2.0)  # narrower than the posterior N(0, I), so the centre is likelier under it
    model = VAE(encoder=WrappedEncoder(silent=False), prior=prior, decoder=FlatDecoder())
    batch = Batch(torch.rand(3, 1, 2, 2))
    state = torch.zeros(3, 2)
    model.encoder.forward = lambda image, context: Centred(DiagonalGaussian(state, state))
    bound = model(batch)
    assert bound.rate.max() < 0
    loss = ELBOLoss()(model, batch, 0).loss
    torch.testing.assert_close(loss, -bound.elbo.mean())
    loss.backward()
    assert prior.raw_logvars.grad.any()
    assert ELBOLoss(free_nats=1.0)(model, batch, 0).loss == bound.distortion.mean() + 1


def test_the_kit_asks_for_the_density():
    facts = {"encoder": ENCODER, "prior": NormalPriorConfig(2).facts(), "decoder": DECODER}
    spec = SimpleNamespace(parts={slot: SimpleNamespace(facts=said) for slot, said in facts.items()})
    image = torch.rand(3, 1, 2, 2)

    def model(silent: bool) -> VAE:
        return VAE(encoder=WrappedEncoder(silent), prior=NormalPrior(2), decoder=FlatDecoder())

    check_facts(spec, model(silent=False), image, {})
    with pytest.raises(AssertionError, match="the belief's draws have no density"):
        check_facts(spec, model(silent=True), image, {})
    spec.parts["encoder"].facts = replace(ENCODER, belief="gaussian")
    with pytest.raises(AssertionError, match="the encoder gives Wrapped"):
        check_facts(spec, model(silent=False), image, {})

"""The contract of the VampPrior, and its oracles: the posterior it mixes, and torch's own mixtures."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import final

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from vaezoo_mlp.facts import DenseDecoderConfig
from vaezoo_vamp.facts import VampPriorConfig
from vaezoo_vamp.prior import VampPrior

import vaezoo
from vaezoo import create, create_objective
from vaezoo.core import (
    VAE,
    Batch,
    Context,
    Decoder,
    DiagonalGaussian,
    Dirac,
    Encoder,
    Gaussian,
    Likelihood,
    Noise,
    Posterior,
)
from vaezoo.core.facts import EncoderFacts, Grid, ModelFacts, misfits
from vaezoo.core.facts.builtin import NormalPriorConfig
from vaezoo.data.sets import Images
from vaezoo.errors import ConfigError, IncompatibleParts, ShapeError
from vaezoo.testing import ModelContract, PluginContract
from vaezoo.train.data import WholeImages
from vaezoo.train.loop import train
from vaezoo.train.recipe import DataRecipe, Recipe


class TestPlugin(PluginContract):
    package = "vaezoo_vamp"


class TestVamp(ModelContract):
    model = "vamp-vae"


class TestGivenPictures(ModelContract):
    model = "vamp-vae"
    params = {"prior": {"components": 8, "exemplar": True}}


class TestGrid(ModelContract):
    """Cells of a convolutional model, at every size."""

    model = "conv-beta"
    params = {"prior": {"name": "vamp", "components": 8}, "loss": "elbo"}


CONTEXT = Context(3, (2, 2))


@final
class Toy(Encoder):
    """μ and log σ² are linear in the picture; no randomness."""

    def __init__(self, belief: str = "gaussian", size: tuple[int, int] | None = (2, 2)) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.channels, self.size, self.belief = 1, size, belief
        self.layer = nn.Linear(4, 6)

    def forward(self, image: Tensor, context: Context) -> Posterior:
        mean, logvar = self.layer(image.flatten(1)).chunk(2, 1)
        return DiagonalGaussian(mean, logvar) if self.belief == "gaussian" else Dirac(mean)


@final
class ToyDecoder(Decoder):
    """A constant width around a linear mean."""

    def __init__(self) -> None:
        super().__init__()
        self.channels, self.size = 1, (2, 2)
        self.layer = nn.Linear(3, 4)

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        return Gaussian(self.layer(state).view(-1, 1, 2, 2), torch.zeros(()))


def toy(components: int = 5, exemplar: bool = True) -> VAE:
    prior = VampPrior(3, None, components, exemplar, 1, (2, 2))
    return VAE(encoder=Toy(), prior=prior, decoder=ToyDecoder()).eval()


@torch.no_grad()
def test_one_picture_that_is_the_input_makes_the_prior_its_posterior() -> None:
    model, x = toy(1), torch.rand(1, 1, 2, 2)
    model.prior.show(x)
    belief, z = model.encode(x), torch.randn(7, 1, 3)
    torch.testing.assert_close(model.prior.log_prob(z, Context(1, (2, 2))), belief.log_prob(z))
    bound = model(Batch(x), k=4)
    torch.testing.assert_close(bound.rate, torch.zeros(1), atol=1e-5, rtol=0)
    eps = Noise(seed=3).normal((4, 1, 3), x)
    drawn = model.prior.sample(Context(1, (2, 2)), 4, Noise(seed=3)).z[0]
    torch.testing.assert_close(drawn, belief.mean + torch.exp(0.5 * belief.logvar) * eps, atol=1e-4, rtol=1e-4)


def torchs(model: VAE) -> torch.distributions.MixtureSameFamily:
    belief = model.encoder(model.prior.inputs(), Context(5, (2, 2)))
    normal = torch.distributions.Normal(belief.mean, torch.exp(0.5 * belief.logvar))
    return torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.ones(len(belief.mean))), torch.distributions.Independent(normal, 1)
    )


@torch.no_grad()
@pytest.mark.parametrize("exemplar", [False, True])
def test_the_density_is_that_of_torchs_mixture(exemplar: bool) -> None:
    model = toy(exemplar=exemplar)
    z = 2 * torch.randn(6, 3, 3)
    torch.testing.assert_close(model.prior.log_prob(z, CONTEXT), torchs(model).log_prob(z))
    drawn = model.prior.sample(Context(4000, (2, 2)), 1, Noise(seed=0)).z[0][0]
    torch.testing.assert_close(drawn.mean(0), torchs(model).mean, atol=0.08, rtol=0)
    torch.testing.assert_close(drawn.var(0), torchs(model).variance, atol=0.1, rtol=0.1)


@torch.no_grad()
def test_the_rate_is_the_mean_of_log_q_less_log_p() -> None:
    model, x = toy(), torch.rand(3, 1, 2, 2)
    bound = model(Batch(x), k=2000, noise=Noise(seed=0))
    z = bound.latents.z[0]
    torch.testing.assert_close(bound.latents.log_q, model.encode(x).log_prob(z))
    torch.testing.assert_close(bound.latents.log_p, torchs(model).log_prob(z))
    torch.testing.assert_close(bound.rate, (bound.latents.log_q - bound.latents.log_p).mean(0))
    assert (bound.rate > -0.1).all() and (bound.rate < math.log(5) + 10).all()


@torch.no_grad()
def test_a_grid_is_the_sum_over_its_cells() -> None:
    model = create("conv-beta", seed=0, prior={"name": "vamp", "components": 4, "image_size": [40, 28]}).eval()
    weights, means, logvars = model.prior.components()
    assert means.shape == (8, 16) and float(weights.exp().sum()) == pytest.approx(1)  # 4 pictures of 2×1 cells
    z, context = torch.randn(2, 3, 16, 2, 2), Context(3, (64, 64))
    normal = torch.distributions.Independent(torch.distributions.Normal(means, torch.exp(0.5 * logvars)), 1)
    mixture = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(torch.ones(8)), normal)
    cells = sum(mixture.log_prob(z[..., i, j]) for i in range(2) for j in range(2))
    torch.testing.assert_close(model.prior.log_prob(z, context), cells)


def test_the_encoder_is_in_the_file_once_and_in_the_copy_its_own() -> None:
    model = toy(exemplar=False)
    names = list(model.state_dict())
    assert [n for n in names if n.startswith("prior.")] == ["prior.logits"]
    assert len([p for p in model.parameters()]) == len({id(p) for p in model.parameters()}) == 5
    twin = copy.deepcopy(model)
    assert twin.prior.bound[0] is twin.encoder and twin.encoder is not model.encoder
    other = toy(exemplar=False)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    other.load_state_dict(load(save(model.state_dict())), strict=True)
    z = torch.randn(2, 3, 3)
    with torch.no_grad():
        expected = model.prior.log_prob(z, CONTEXT)
        assert torch.equal(other.prior.log_prob(z, CONTEXT), expected)
        twin.encoder.layer.weight.zero_()
        assert not torch.equal(twin.prior.log_prob(z, CONTEXT), expected)
        assert torch.equal(model.prior.log_prob(z, CONTEXT), expected)


def test_pictures_are_learned_or_stay_as_given() -> None:
    learned, given = toy(exemplar=False), toy()
    images = torch.rand(5, 1, 2, 2)
    given.prior.show(images)
    assert torch.equal(given.prior.inputs(), images) and not list(given.prior.parameters())
    assert learned.prior.inputs().min() >= 0 and learned.prior.inputs().max() <= 1
    (-learned(Batch(torch.rand(3, 1, 2, 2))).elbo.mean()).backward()
    assert learned.prior.logits.grad.any()
    with pytest.raises(IncompatibleParts, match=r"learns its pictures, so it takes none\. Set exemplar=True\."):
        learned.prior.show(images)
    with pytest.raises(ShapeError, match=r"Expected 5 pictures of shape \(5, 1, 2, 2\), got \(4, 1, 2, 2\)"):
        given.prior.show(images[:4])


def test_training_gives_pictures_of_its_data(tmp_path: Path) -> None:
    small = {"hidden": [8]}
    prior = {"components": 4, "exemplar": True}
    objective = create_objective("vamp-vae", seed=0, prior=prior, encoder=small, decoder=small)
    pixels = np.random.default_rng(0).integers(256, size=(16, 28, 28, 1), dtype=np.uint8)
    source = WholeImages((Images("toy", pixels, "0" * 64, "none"),), DataRecipe(), 0)
    train(Recipe(model="vamp-vae", steps=2, batch=4), tmp_path, objective=objective, source=source)
    data = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    assert all(any(picture.allclose(image) for image in data) for picture in objective.model.prior.pictures)
    own = torch.rand(4, 1, 28, 28)
    objective.model.prior.show(own)
    train(Recipe(model="vamp-vae", steps=2, batch=4), tmp_path / "own", objective=objective, source=source)
    assert torch.equal(objective.model.prior.pictures, own)
    averaged = vaezoo.load(tmp_path / "own" / "model").prior.pictures
    torch.testing.assert_close(averaged, own)
    fewer = WholeImages((Images("toy", pixels[:3], "0" * 64, "none"),), DataRecipe(), 0)
    other = create_objective("vamp-vae", seed=0, prior=prior, encoder=small, decoder=small)
    with pytest.raises(ConfigError, match=r"The prior needs 4 training images: .*larger than the data, 3 images"):
        train(Recipe(model="vamp-vae", steps=1, batch=2), tmp_path / "b", objective=other, source=fewer)


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1 component, got 0"):
        VampPrior(3, components=0)
    with pytest.raises(ConfigError, match="at least 1 component, got 0"):
        create("vamp-vae", prior={"components": 0})
    with pytest.raises(IncompatibleParts, match="asks the model's encoder about its pictures, but the model has none"):
        VampPrior(3).sample(CONTEXT)
    with pytest.raises(IncompatibleParts, match="pictures of 1 channels and 28×28 pixels, but the encoder takes 1"):
        VAE(encoder=Toy(), prior=VampPrior(3), decoder=ToyDecoder())
    points = VAE(encoder=Toy("dirac"), prior=VampPrior(3, None, 2, image_size=(2, 2)), decoder=ToyDecoder())
    with pytest.raises(IncompatibleParts, match="mixes Gaussian posteriors, but the encoder gives a Dirac"):
        points.prior.sample(CONTEXT)


def test_an_encoder_that_reads_a_context_cannot_look_at_the_priors_pictures() -> None:
    encoder = EncoderFacts("gaussian", (Grid(3),), 1, (28, 28))
    facts = ModelFacts(
        encoder,
        VampPriorConfig(3).facts(),
        DenseDecoderConfig(3).facts(),
        names={"prior": "vamp", "encoder": "an-encoder"},
    )
    assert not misfits(facts)
    for changed in ({"vector": 4}, {"needs_image": True}):
        reading = EncoderFacts(**{**vars(encoder), **changed})
        found = misfits(
            ModelFacts(reading, VampPriorConfig(3).facts(), DenseDecoderConfig(3).facts(), names=facts.names)
        )
        assert any("The prior 'vamp' shows the encoder 'an-encoder' pictures of its own" in each for each in found)
        other = misfits(
            ModelFacts(reading, NormalPriorConfig(3).facts(), DenseDecoderConfig(3).facts(), names=facts.names)
        )
        assert not any("pictures of its own" in each for each in other)
    (_, alone) = misfits(ModelFacts(None, VampPriorConfig(3).facts(), DenseDecoderConfig(3).facts(), names=facts.names))
    assert "pictures of its own" in "".join(
        misfits(ModelFacts(None, VampPriorConfig(3).facts(), DenseDecoderConfig(3).facts(), names=facts.names))
    ), alone

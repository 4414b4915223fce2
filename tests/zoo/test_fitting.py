"""Priors fitted after training: a new model around the old parts, in Python and on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from torch import Tensor

import vaezoo
from vaezoo import create, fit_prior, load, save
from vaezoo.cli.fit import fit_prior as command
from vaezoo.core import VAE, Batch, Context, MixturePrior, Noise
from vaezoo.errors import ConfigError, IncompatibleParts, ShapeError, TrainingError


def images(rows: int = 200) -> Tensor:
    return torch.rand(rows, 1, 28, 28, generator=torch.Generator().manual_seed(0)) ** 2


def spread(model: VAE, gain: float = 20.0) -> VAE:
    """A model whose posterior means differ, as a trained one's do."""
    with torch.no_grad():
        for parameter in list(model.encoder.parameters())[-2:]:
            parameter.mul_(gain).add_(0.1)
    return model.eval()


def aggregate(model: VAE, x: Tensor) -> Tensor:
    with torch.no_grad():
        return model.encode(x).sample(20, Noise(seed=5))[0].flatten(0, 1)


@pytest.mark.parametrize("name", ["mlp-vae", "rae-l2", "conv-beta"])
@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_samples_have_the_moments_of_the_aggregate_posterior(name: str, covariance: str) -> None:
    model, x = spread(create(name, seed=0, latent_channels=4)), images()
    fitted = fit_prior(model, x, components=3, covariance=covariance, samples=8)
    z = aggregate(model, x).flatten(1)
    drawn = fitted.prior.sample(Context(4000, (28, 28)), 1, Noise(seed=1)).z[0][0].flatten(1).detach()
    torch.testing.assert_close(drawn.mean(0), z.mean(0), atol=0.15 * float(z.std()), rtol=0)
    torch.testing.assert_close(drawn.std(0), z.std(0), atol=0.02, rtol=0.2)
    assert fitted.sample(3).shape == (3, 1, 28, 28)


def test_the_old_model_stays_and_the_new_one_reconstructs_as_it() -> None:
    model, x = spread(create("mlp-vae", seed=0)).train(), images()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    fitted = fit_prior(model, x, components=2)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert model.training and not fitted.training and fitted is not model
    ours = {p.data_ptr() for p in model.parameters()}
    assert not ours & {p.data_ptr() for p in fitted.parameters()}
    assert torch.equal(fitted.reconstruct(x[:4]), model.eval().reconstruct(x[:4]))
    with torch.no_grad():
        old, new = (m(Batch(x), 4, Noise(seed=0)) for m in (model, fitted))
        assert new.elbo.mean() > old.elbo.mean()  # the rate to the aggregate posterior is the least


def test_a_refinement_goes_with_the_old_parts() -> None:
    model, x = spread(create("hvae", seed=0, refine={"steps": 2})), images(40)
    with torch.no_grad():
        for parameter in model.refine.parameters():
            parameter.add_(0.25)
    kept = fit_prior(model, x, components=2).refine.state_dict()
    assert kept and all(torch.equal(kept[name], tensor) for name, tensor in model.refine.state_dict().items())


def test_it_saves_loads_and_is_made_again_by_its_specification(tmp_path: Path) -> None:
    model = spread(create("rae-l2", seed=0))
    fitted = fit_prior(model, images(), components=3, covariance="full")
    assert fitted.origin.spec.parts["prior"].arguments["components"] == 3
    again = load(save(fitted, tmp_path / "fitted"))
    assert isinstance(again.prior, MixturePrior) and again.origin.spec.parts["prior"].part.name == "mixture"
    assert all(torch.equal(a, again.state_dict()[name]) for name, a in fitted.state_dict().items())
    assert torch.equal(again.sample(2, noise=Noise(seed=0)), fitted.sample(2, noise=Noise(seed=0)))
    once_more = fit_prior(again, images(), components=2)
    assert len(once_more.prior.means) == 2


def test_the_new_model_evaluates() -> None:
    fitted = fit_prior(spread(create("mlp-vae", seed=0)), images(), components=2)
    found = vaezoo.evaluate(fitted, images(20).round(), metrics=["elbo", "nll"], samples=4)
    assert found["elbo@1.elbo_nats"] < 0


def test_the_same_seed_is_the_same_fit_however_it_is_batched() -> None:
    model = spread(create("rae-l2", seed=0))
    one, two, other = (fit_prior(model, images(), components=3, seed=s, batch=b) for s, b in ((1, 256), (1, 7), (2, 7)))
    torch.testing.assert_close(one.prior.means, two.prior.means, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(one.prior.means, other.prior.means, atol=1e-3)


def test_labels_reach_the_model() -> None:
    x = images(40)
    label = torch.arange(40) % 10
    fitted = fit_prior(create("conv-cvae", seed=0), Batch(x, cond={"label": label}), components=2)
    assert fitted.sample(2, cond={"label": torch.tensor([0, 1])}).shape == (2, 1, 28, 28)


def test_a_shared_setting_of_the_old_prior_goes_with_it() -> None:
    model = create("vamp-vae", seed=0, latent_channels=4)
    assert len(fit_prior(model, images(40), components=2).prior.means) == 2


def test_what_cannot_be_fitted_is_refused() -> None:
    x, model = images(20), create("mlp-vae", seed=0)
    with pytest.raises(IncompatibleParts, match="'bottom-up' gives a pyramid belief, but the prior 'mixture' takes"):
        fit_prior(create("ladder-vae", seed=0), x)
    with pytest.raises(IncompatibleParts, match="NormalPrior has no parameters to fit"):
        fit_prior(model, x, "normal")
    with pytest.raises(IncompatibleParts, match=r"The prior 'top-k' transforms latents unlike the prior 'mixture'"):
        fit_prior(create("rae-l2", seed=0, prior="top-k"), x, components=2)
    with pytest.raises(IncompatibleParts, match=r"VQPrior cannot be fitted to latents\. Fit a mixture or a flow"):
        fit_prior(create("vq-vae", seed=0), x, "vq")
    with pytest.raises(ConfigError, match="at least 2 latents for each of the 11 components, got 20"):
        fit_prior(model, x, components=11)
    with pytest.raises(ConfigError, match="The prior 'mixture' has no parameter 'component'"):
        fit_prior(model, x, component=3)
    with pytest.raises(ConfigError, match="Expected samples and batch of at least 1, got 0 and 256"):
        fit_prior(model, x, samples=0)
    with pytest.raises(ShapeError, match="Expected data with finite pixels"):
        fit_prior(model, torch.full_like(x, float("nan")))
    bare = VAE(encoder=model.encoder, prior=model.prior, decoder=model.decoder)
    with pytest.raises(
        ConfigError, match=r"a model that vaezoo\.create or vaezoo\.load made, got VAE without an origin"
    ):
        fit_prior(bare, x)
    with torch.no_grad():
        next(model.encoder.parameters()).fill_(float("nan"))
    with pytest.raises(TrainingError, match="Expected finite latents, got NaN or infinity in 20 of 20"):
        fit_prior(model, x)


def test_a_fit_that_diverges_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverge(self: MixturePrior, *_: object, **__: object) -> tuple[float, ...]:
        self.means.data.fill_(float("nan"))
        return ()

    monkeypatch.setattr(MixturePrior, "fit", diverge)
    with pytest.raises(TrainingError, match="The fit of 'mixture' ended in NaN or infinity in 'means'"):
        fit_prior(create("mlp-vae", seed=0), images(20))


def test_the_command_writes_a_file_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for index in range(8):
        Image.new("L", (28, 28), 30 * index).save(tmp_path / "set" / f"{index}.png")
    saved = save(spread(create("mlp-vae", seed=0)), tmp_path / "model")
    common = ["--data", str(tmp_path / "set"), "--components", "2", "--set", "covariance=full"]
    file, folder = tmp_path / "out.safetensors", tmp_path / "out"
    for output in (file, folder):
        done = CliRunner().invoke(command, [str(saved), *common, "-o", str(output)])
        assert done.exit_code == 0, done.exception
    assert "vaezoo.load(" in done.output
    from_folder = load(folder)
    from_file = create("mlp-vae", prior={"name": "mixture", "components": 2, "covariance": "full"}, pretrained=file)
    assert torch.equal(from_file.prior.means, from_folder.prior.means) and from_folder.prior.below is not None
    again = ["mlp-vae", "--weights", str(tmp_path / "model" / "model.safetensors"), *common, "--limit", "4", "-o"]
    for output in (file, folder):
        before = {path: path.read_bytes() for path in tmp_path.rglob("*.safetensors")}
        refused = CliRunner().invoke(command, [*again, str(output)]).exception
        assert isinstance(refused, ConfigError) and "exists already. Say --overwrite" in str(refused)
        assert {path: path.read_bytes() for path in tmp_path.rglob("*.safetensors")} == before
    done = CliRunner().invoke(command, [*again, str(folder), "--overwrite"])
    assert done.exit_code == 0, done.exception

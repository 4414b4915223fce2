"""What the model promises its users, and what it refuses them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from vaezoo import create
from vaezoo.core import VAE, Batch, Context, ImageConditioner, LabelConditioner, Noise, NormalPrior
from vaezoo.core.shapes import pad_to_stride, repeat_rows
from vaezoo.errors import ConfigError, IncompatibleParts, NotNormalised, ShapeError, TrainingError, VaezooError

from .toy import SIZE, LinearDecoder, LinearEncoder, linear_vae

X = torch.rand(2, 1, 40, 24, generator=torch.Generator().manual_seed(0))


def conv(**params: Any) -> VAE:
    small = {"latent_channels": 2, "widths": [4, 4, 4]}
    return create("conv-beta", seed=0, **{**small, **params}).eval()


# Rows and padding


def test_rows_repeat_with_the_sample_index_slow() -> None:
    rows = torch.arange(3)[:, None]
    assert repeat_rows(rows, 2).flatten().tolist() == [0, 1, 2, 0, 1, 2]
    context = Context(3, (4, 4), image=rows, features=(rows,), vector=rows).repeat(2)
    assert context.batch == 6
    for repeated in (context.image, *context.features, context.vector):
        assert repeated is not None and repeated.flatten().tolist() == [0, 1, 2, 0, 1, 2]


def test_padding_repeats_the_edge_at_the_bottom_and_right() -> None:
    padded = pad_to_stride(X, 32)
    assert padded.shape == (2, 1, 64, 32)
    assert torch.equal(padded[..., :40, :24], X)
    assert torch.equal(padded[..., 40:, :24], X[..., 39:, :].expand(2, 1, 24, 24))
    assert pad_to_stride(X, 8) is X


def test_padding_by_the_mirror_image_goes_on_as_far_as_it_has_to() -> None:
    padded = pad_to_stride(X, 32, mirror=True)
    assert torch.equal(padded[..., :40, :24], X) and torch.equal(padded[..., 40:, :24], X[..., 15:39, :].flip(2))
    row = torch.tensor([0.0, 1, 2]).reshape(1, 1, 1, 3)
    assert pad_to_stride(row, 8, mirror=True)[0, 0, 7].tolist() == [0, 1, 2, 1, 0, 1, 2, 1]
    assert pad_to_stride(torch.ones(1, 1, 1, 1), 4, mirror=True).shape == (1, 1, 4, 4)


def test_samples_are_rows_of_their_image() -> None:
    model = conv()
    bound = model(Batch(X), k=3, noise=Noise(seed=0))
    again = model.decode(bound.latents, size=(40, 24)).log_prob(X)
    torch.testing.assert_close(again, bound.log_likelihood)
    alone = model.decode(bound.latents.z[0][2, 1:], size=(40, 24)).log_prob(X[1:])
    torch.testing.assert_close(alone[0, 0], bound.log_likelihood[2, 1])


# What users call


def test_average_and_spread_are_those_of_the_samples() -> None:
    restored = conv(decoder={"name": "conv", "likelihood": "gaussian"}).restore(X, samples=5, keep=True)
    assert restored.samples is not None and restored.average is not None and restored.spread is not None
    torch.testing.assert_close(restored.average, restored.samples.mean(0))
    torch.testing.assert_close(restored.spread, restored.samples.std(0), rtol=1e-3, atol=1e-6)


def test_reconstruct_is_the_restoration_of_an_unconditional_model() -> None:
    model = conv()
    assert torch.equal(model.reconstruct(X), model.restore(X).image)


def test_samples_have_the_default_size_or_the_one_asked_for() -> None:
    assert conv().sample(3).shape == (3, 1, 28, 28)
    assert conv().sample(3, size=(40, 24)).shape == (3, 1, 40, 24)
    assert linear_vae().sample(2).shape == (2, 1, *SIZE)
    assert conv().sample(np.int64(2)).shape == (2, 1, 28, 28)


@pytest.mark.parametrize("name", ["conv-beta", "vq-vae", "svae", "flow-prior-vae", "semantic-hashing-ae", "ladder-vae"])
def test_no_samples_are_an_empty_tensor(name: str) -> None:
    assert create(name, seed=0).sample(0).shape == (0, 1, 28, 28)
    told = create("conv-cvae", seed=0)
    assert told.sample(0, cond={"label": torch.zeros(0, dtype=torch.int64)}).shape == (0, 1, 28, 28)
    for number in (-1, 1.5, True):
        with pytest.raises(ConfigError, match=f"a whole number n of at least 0, got {number}"):
            create(name, seed=0).sample(number)


def test_a_conditional_model_samples_each_image() -> None:
    model = create("denoise", widths=[4, 4], latents=[2, 2], evidence=[4, 4], blocks=1, seed=0).eval()
    y = torch.rand(2, 3, 10, 12)
    assert model.sample(3, y=y).shape == (6, 3, 10, 12)
    assert model.reconstruct(y, y=y).shape == y.shape
    with pytest.raises(ShapeError, match="Expected y, the degraded image this model is conditioned on, got none"):
        model.sample(3)


def test_a_model_that_only_restores_needs_no_encoder() -> None:
    whole = create("denoise", widths=[4, 4], latents=[2, 2], evidence=[4, 4], blocks=1, seed=0)
    bare = VAE(encoder=None, prior=whole.prior, decoder=whole.decoder, conditioner=whole.conditioner, encodes="target")
    y = torch.rand(1, 3, 8, 8)
    assert torch.equal(bare.restore(y).image, whole.restore(y).image)
    with pytest.raises(IncompatibleParts, match="This model has no encoder"):
        bare(Batch(y))


def test_the_representation_tells_what_matters() -> None:
    assert "stride=1, size=(2, 3), encodes='input'" in repr(linear_vae())


# Borders

GOOD = torch.rand(1, 1, 8, 8)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (GOOD.numpy(), "as a torch tensor (B, C, H, W), got ndarray"),
        (GOOD[0], "of shape (B, 1, H, W), got (1, 8, 8). Add the batch dimension with image[None]."),
        (GOOD.expand(1, 3, 8, 8), "of shape (B, 1, H, W), got (1, 3, 8, 8)"),
        (GOOD[:, :, :0], "with at least one pixel, got shape (1, 1, 0, 8)"),
        ((GOOD * 255).byte(), "as floating point in [0, 1], got torch.uint8. Divide bytes by 255"),
        (GOOD * 255, "in [0, 1] (noise may exceed it a little), got ["),
        (GOOD - 9, "in [0, 1] (noise may exceed it a little), got ["),
        (torch.full_like(GOOD, math.nan), "with finite pixels, got NaN or infinity"),
        (torch.full_like(GOOD, math.inf), "with finite pixels, got NaN or infinity"),
    ],
)
def test_an_image_that_cannot_be_taken(image: Any, message: str) -> None:
    model = conv()
    for call in (model.restore, model.encode, model.reconstruct, lambda y: model.nll(Batch(y))):
        with pytest.raises(ShapeError) as caught:
            call(image)
        assert message in str(caught.value)


def test_noise_may_exceed_the_range() -> None:
    conv().restore(GOOD + 0.8 * torch.randn(GOOD.shape).clamp(-3, 3))


def test_a_dense_model_names_its_one_size() -> None:
    with pytest.raises(ShapeError, match=r"of 2×3 pixels, the one size this dense network takes, got 8×8\. Resize it"):
        linear_vae().restore(GOOD)
    with pytest.raises(ShapeError, match=r"Expected size \(2, 3\), the one this dense network gives, got \(4, 4\)"):
        linear_vae().sample(size=(4, 4))


def test_a_size_must_come_from_somewhere() -> None:
    whole = conv()
    model = VAE(encoder=whole.encoder, prior=whole.prior, decoder=whole.decoder)
    with pytest.raises(ShapeError, match=r"Expected a size \(H, W\): this model has no default one. Pass size"):
        model.sample()


def test_training_reads_shapes_too() -> None:
    with pytest.raises(ShapeError, match=r"Expected y of shape \(B, 1, H, W\)"):
        conv()(Batch(GOOD.expand(1, 3, 8, 8)))
    with pytest.raises(ShapeError, match="Expected y and x of one shape"):
        conv()(Batch(GOOD, GOOD[..., :4]))


def test_rows_of_latents_must_fit_the_images() -> None:
    whole = conv()
    conditioned = VAE(encoder=whole.encoder, prior=whole.prior, decoder=whole.decoder, conditioner=ImageConditioner(1))
    with pytest.raises(ShapeError, match="Expected latents with a multiple of y's 2 rows, got 3"):
        conditioned.decode(torch.zeros(3, 2, 1, 1), y=GOOD.repeat(2, 1, 1, 1))


@pytest.mark.parametrize(
    ("params", "batch", "kwargs", "kind", "message"),
    [
        ({}, Batch(GOOD), {}, NotNormalised, "for binary pixels only, got gray ones. Binarise the images"),
        (
            {"decoder": {"name": "conv", "likelihood": "gaussian", "scale": "optimal"}},
            Batch(GOOD),
            {},
            NotNormalised,
            "OptimalGaussian is no density of x, so it has no NLL",
        ),
        ({}, Batch(GOOD.round()), {"k": 0}, ConfigError, "k and chunk of at least 1, got 0 and 16384"),
        ({}, Batch(GOOD.round()), {"chunk": 0}, ConfigError, "k and chunk of at least 1, got 100 and 0"),
        ({}, Batch(GOOD), {"noise": Noise(0.5)}, ConfigError, "Expected noise of temperature 1 for an NLL, got 0.5"),
    ],
)
def test_an_nll_that_would_mean_nothing(
    params: dict[str, Any], batch: Batch, kwargs: dict[str, Any], kind: type[VaezooError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        conv(**params).nll(batch, **kwargs)
    assert message in str(caught.value)


def test_an_nll_in_training_mode() -> None:
    with pytest.raises(TrainingError, match=r"got one in training mode. Call model.eval\(\)"):
        conv().train().nll(Batch(GOOD.round()))


def test_an_nll_needs_the_density_of_the_posterior() -> None:
    bound = linear_vae()(Batch(torch.rand(1, 1, *SIZE)))
    bound = replace(bound, latents=replace(bound.latents, log_q=None))
    with pytest.raises(NotNormalised, match="needs densities of z, but DiagonalGaussian or its prior has none"):
        _ = bound.log_weight


def test_a_negative_number_of_samples() -> None:
    with pytest.raises(ConfigError, match="samples of at least 0, got -1"):
        conv().restore(GOOD, samples=-1)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"encodes": "both"}, ConfigError, "Expected encodes to be 'input' or 'target', got 'both'"),
        ({"encodes": "target"}, IncompatibleParts, "needs a conditioner to see the input"),
        ({"encoder": None}, IncompatibleParts, "A model that encodes its input needs an encoder"),
        ({"conditioner": ImageConditioner(3)}, IncompatibleParts, r"disagree on channels \[1, 3\]"),
    ],
)
def test_parts_that_cannot_be_joined(change: dict[str, Any], kind: type[VaezooError], message: str) -> None:
    parts: dict[str, Any] = {"encoder": LinearEncoder(), "prior": NormalPrior(2), "decoder": LinearDecoder()}
    with pytest.raises(kind, match=message):
        VAE(**{**parts, **change})


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (torch.tensor([1]), r"Expected label of shape \(2,\) and whole numbers, got \(1,\)"),
        (torch.tensor([0.5, 1.0]), "whole numbers, got"),
        (torch.tensor([1, 10]), "Expected labels from 0 to 9, got 1 to 10"),
    ],
)
def test_a_label_that_is_none(label: torch.Tensor, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        LabelConditioner()(X, {"label": label})


def test_a_missing_label_is_unknown() -> None:
    conditioner = LabelConditioner(classes=3, context_vector=4)
    vector = conditioner(X, {}).vector
    assert vector is not None and torch.equal(vector, conditioner.embedding.weight[[3, 3]])


def test_a_batch_moves_with_its_conditions() -> None:
    batch = Batch(X, X, cond={"label": torch.tensor([1, 2])}, info={"sigma": torch.ones(2)}).to(
        "cpu", dtype=torch.float64
    )
    assert batch.y.dtype == batch.target.dtype == torch.float64 and batch.cond["label"].dtype == torch.int64
    assert Batch(X).target is X

"""The contract of a model, with any parts."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
import torch
from safetensors.torch import save
from torch import Tensor, nn

from vaezoo.core import VAE, Batch, Dirac, Noise, Objective
from vaezoo.errors import ShapeError
from vaezoo.host.manager import current_zoo
from vaezoo.testing.facts import check_facts
from vaezoo.zoo.create import create_objective
from vaezoo.zoo.specs import resolve
from vaezoo.zoo.weights import load_strictly, read_tensors

SIZES = ((28, 28), (37, 53), (5, 3))
"""Sizes for models that take any size: the training size, an odd one and a very small one."""


def stirred(module: nn.Module) -> None:
    """Changes every parameter a little, in place: a layer that starts at zero hides faults and blocks gradients."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))


def shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """Returns the shape of each tensor of a state dict, by name."""
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


class ModelContract:
    """Tests of one model with its loss.

    Attributes:
        model: Name of the model.
        params: Overrides, as keyword arguments of :func:`vaezoo.create`.
    """

    model: ClassVar[str]
    params: ClassVar[Mapping[str, Any]] = {}

    def cond(self, images: int) -> dict[str, Tensor]:
        """Returns conditions for a number of images. Override it for a model that needs some."""
        return {}

    def build(self, seed: int = 0) -> Objective:
        """Returns model and loss, with every parameter changed a little."""
        objective = create_objective(self.model, seed=seed, **self.params)
        stirred(objective)
        return objective

    def batch(
        self, model: VAE, size: tuple[int, int] | None = None, images: int = 2, factor: int | None = None
    ) -> Batch:
        """Returns a batch of smooth clean images; with noisy inputs if the model restores.

        Args:
            model: The model.
            size: (H, W) of y.
            images: Number of images.
            factor: Ratio of the sizes of x and y, for a model that enlarges. None means its first factor.
        """
        generator, cond = torch.Generator().manual_seed(1), dict(self.cond(images))
        if model.enlarges:
            factor = factor or model.enlarges[0]
            cond["factor"] = torch.full((images,), factor)
        coarse = torch.rand(images, model.channels, 4, 4, generator=generator)
        small = size or model.size or SIZES[0]
        x = nn.functional.interpolate(coarse, [side * (factor or 1) for side in small], mode="bilinear")
        y = nn.functional.avg_pool2d(x, factor) if factor else x
        y = (y + 0.1 * torch.randn(y.shape, generator=generator)) if model.encodes == "target" else y
        return Batch(y, x, cond=cond)

    @pytest.fixture
    def objective(self) -> Objective:
        """Objective, in training mode."""
        return self.build()

    @pytest.fixture
    def vae(self) -> VAE:
        """Model, in evaluation mode."""
        return self.build().model.eval()

    def sizes(self, vae: VAE) -> tuple[tuple[int, int], ...]:
        """Returns the sizes to test."""
        return (vae.size,) if vae.size else SIZES

    # Shapes and values

    @torch.no_grad()
    def test_bound(self, vae: VAE) -> None:
        """At every size, K samples have the right shapes, and the bound is finite."""
        for size in self.sizes(vae):
            batch = self.batch(vae, size)
            bound = vae(batch, k=3)
            assert bound.likelihood.image.shape == (6, vae.channels, *batch.target.shape[2:])
            assert bound.log_likelihood.shape == (3, 2)
            assert all(z.shape[:2] == (3, 2) for z in bound.latents.z) and bound.latents.state.shape[0] == 6
            point = isinstance(bound.belief, Dirac) and not bound.latents.rate  # neither density nor codes: no bound
            for name in ("distortion",) if point else ("distortion", "rate", "elbo"):
                value = getattr(bound, name)
                assert value.shape == (2,) and value.dtype == torch.float32 and value.isfinite().all(), name
            torch.testing.assert_close(bound.distortion, -bound.likelihood.log_prob(batch.target).mean(0))
            if point:
                assert bound.rate.shape == (2,) and bound.rate.isnan().all(), "a point's rate is not NaN"
            else:
                assert bound.log_weight.shape == (3, 2)
                torch.testing.assert_close(bound.elbo, -bound.distortion - bound.rate)

    @torch.no_grad()
    def test_rate_is_the_divergence(self, vae: VAE) -> None:
        """The rate agrees with the mean of log q − log p over samples. So it is negative by chance only."""
        bound = vae(self.batch(vae), k=32, noise=Noise(seed=0))
        if isinstance(bound.belief, Dirac) and not bound.latents.rate:
            pytest.skip("a point has no density")
        assert bound.latents.log_q is not None and bound.latents.log_p is not None
        terms = bound.latents.log_q - bound.latents.log_p
        error = 5 * terms.std(0) / 32**0.5 + 1e-3
        assert ((bound.rate - terms.mean(0)).abs() < error).all()
        assert (bound.rate > -error).all()

    @torch.no_grad()
    def test_near_beats_far(self, vae: VAE) -> None:
        """A target near the mean image is more probable than one that differs by half the range."""
        likelihood = vae(self.batch(vae)).likelihood
        near = likelihood.image
        far = torch.where(near < 0.5, near + 0.5, near - 0.5)
        assert (likelihood.log_prob(near) > likelihood.log_prob(far)).all()

    def test_restore(self, vae: VAE) -> None:
        """At every size, and for one image, a restored image and its statistics have the image's shape."""
        for size in self.sizes(vae):
            batch = self.batch(vae, size, images=1)
            restored = vae.restore(batch.y, batch.cond, samples=2, keep=True, noise=Noise(seed=0))
            assert restored.average is not None and restored.spread is not None and restored.samples is not None
            for image in (restored.image, restored.average, *restored.samples):
                assert image.shape == batch.target.shape and image.min() >= 0 and image.max() <= 1
            assert restored.spread.shape == batch.target.shape and restored.spread.isfinite().all()
            assert restored.scale is None or (restored.scale.shape == batch.target.shape and (restored.scale > 0).all())

    def test_enlarges(self, vae: VAE) -> None:
        """A model that enlarges does so by each of its factors, and refuses others."""
        for factor in vae.enlarges:
            for size in self.sizes(vae):
                batch = self.batch(vae, size, images=1, factor=factor)
                restored = vae.restore(batch.y, batch.cond)
                assert restored.image.shape == (1, vae.channels, size[0] * factor, size[1] * factor)
                with torch.no_grad():
                    assert vae(batch).elbo.isfinite().all()
        if vae.enlarges:
            batch = self.batch(vae)
            with pytest.raises(ShapeError, match="factor"):
                vae.restore(batch.y, {"factor": torch.full((2,), 1)})
            with pytest.raises(ShapeError, match="times as large as y"):
                vae(Batch(batch.y, batch.y, cond=batch.cond))

    def test_sample(self, vae: VAE) -> None:
        """Samples of the prior are images."""
        batch = self.batch(vae)
        y = batch.y if vae.encodes == "target" else None
        images = vae.sample(2, y=y, cond=batch.cond, size=None if y is not None else vae.default_size or SIZES[0])
        assert images.shape[0] == (4 if y is not None else 2) and images.isfinite().all()

    def test_another_size_is_refused(self, vae: VAE) -> None:
        """A model with only one size refuses others. Models of any size are tested above."""
        if vae.size is not None:
            height, width = vae.size
            with pytest.raises(ShapeError, match="the one size"):
                vae.restore(torch.rand(1, vae.channels, height + 1, width))

    def test_numbers_are_single(self, vae: VAE) -> None:
        """Parameters, buffers and images are float32 and finite, unless another type is requested."""
        for name, tensor in vae.state_dict().items():
            if tensor.is_floating_point():
                assert tensor.dtype == torch.float32, f"{name} is {tensor.dtype}"
                assert tensor.isfinite().all(), f"{name} is not finite"
        batch = self.batch(vae)
        restored = vae.restore(batch.y, batch.cond, samples=2, noise=Noise(seed=0))
        for name in ("image", "average", "spread", "scale"):
            value = getattr(restored, name)
            assert value is None or value.dtype == torch.float32, f"{name} is {value.dtype}"

    def test_facts(self, vae: VAE) -> None:
        """The facts of the parts are true."""
        batch = self.batch(vae)
        spec = resolve(current_zoo().registry, self.model, params=self.params)
        check_facts(spec, vae, batch.y, batch.cond, batch.target)

    # Randomness

    def test_determinism(self, vae: VAE) -> None:
        """Equal seeds give equal models and equal samples, also if samples are drawn in chunks."""
        again = self.build().model.eval()
        for name, tensor in vae.state_dict().items():
            assert torch.equal(tensor, again.state_dict()[name]), name
        batch = self.batch(vae)
        with torch.no_grad():
            together = vae(batch, k=3, noise=Noise(seed=5)).latents.z
            apart = [vae(batch, noise=Noise(seed=5).at(i)).latents.z for i in range(3)]
        for level, z in enumerate(together):
            torch.testing.assert_close(z, torch.cat([one[level] for one in apart]), rtol=1e-3, atol=1e-4)

    def test_images_of_a_batch_are_independent(self, vae: VAE) -> None:
        """Restoring an image gives the same alone and in a batch."""
        batch = self.batch(vae)
        together = vae.restore(batch.y, batch.cond).image
        for index in range(2):
            one = slice(index, index + 1)
            alone = vae.restore(batch.y[one], {k: v[one] for k, v in batch.cond.items()}).image
            torch.testing.assert_close(alone, together[one], rtol=1e-4, atol=1e-5)

    @torch.no_grad()
    def test_one_image(self, vae: VAE) -> None:
        """The bound of an image is the same alone and in a batch."""
        batch = self.batch(vae)
        together = vae(batch, noise=Noise(temperature=0))
        for index in range(2):
            one = slice(index, index + 1)
            cond = {k: v[one] for k, v in batch.cond.items()}
            alone = vae(Batch(batch.y[one], batch.target[one], cond=cond), noise=Noise(temperature=0))
            for name in ("distortion", "rate"):
                here, there = getattr(alone, name), getattr(together, name)[one]
                assert here.shape == (1,), name
                torch.testing.assert_close(here, there, rtol=1e-3, atol=1e-2, equal_nan=True)

    @torch.no_grad()
    def test_samples_follow_their_seed(self, vae: VAE) -> None:
        """Equal seeds give equal samples, and different seeds different ones. torch's own generator is not used."""
        batch = self.batch(vae)

        def drawn(seed: int) -> Tensor:
            context = vae.context(batch.y, batch.cond)
            return vae.path(context, 2, Noise(seed=seed))[0].state

        before = torch.get_rng_state()
        assert torch.equal(drawn(1), drawn(1)), "one seed gives two answers"
        assert not torch.equal(drawn(1), drawn(2)), "the seed is not used"
        assert torch.equal(torch.get_rng_state(), before), "seeded noise moves torch's own generator"

    def test_looking_changes_nothing(self, vae: VAE) -> None:
        """In evaluation mode, no use changes a tensor of the model, and the mean path is always the same."""
        before = {name: tensor.clone() for name, tensor in vae.state_dict().items()}
        batch = self.batch(vae)
        images = []
        with torch.no_grad():
            for _ in range(2):
                vae(batch, k=2)
                images.append(vae.restore(batch.y, batch.cond).image)
        assert torch.equal(*images), "the mean path differs from time to time"
        for name, tensor in vae.state_dict().items():
            assert torch.equal(tensor, before[name]), f"{name} has moved"

    # Training

    def test_gradients_reach_every_parameter(self, objective: Objective) -> None:
        """Every trainable parameter has a gradient, and all gradients are finite."""
        for factor in objective.model.enlarges or (None,):
            objective(self.batch(objective.model, images=4, factor=factor), 0).loss.backward()
        grads = {n: p.grad for n, p in objective.named_parameters() if p.requires_grad}
        unmoved = [n for n, g in grads.items() if g is None or not g.any()]
        assert not unmoved, f"no gradient reaches {unmoved}"
        broken = [n for n, g in grads.items() if g is not None and not g.isfinite().all()]
        assert not broken, f"the gradient is not finite at {broken}"

    def test_training_helps(self, objective: Objective) -> None:
        """Twelve steps on one batch lower its distortion. So the loss has the right sign."""
        batch = self.batch(objective.model, images=4)
        optimiser = torch.optim.Adam(objective.parameters(), lr=1e-3)
        distortions = []
        with torch.random.fork_rng():
            torch.manual_seed(0)  # otherwise the result would depend on the tests that ran before
            for _ in range(13):
                terms = objective(batch, 0)
                optimiser.zero_grad()
                terms.loss.backward()
                distortions.append(float(objective.model(batch, noise=Noise(seed=0)).distortion.detach().mean()))
                optimiser.step()
        assert distortions[-1] < distortions[0]

    # Files and copies

    def test_state_depends_on_the_configuration_alone(self, vae: VAE) -> None:
        """Tensors have the same names and shapes in every build, and after running at every size."""
        before = shapes(vae)
        for size in self.sizes(vae):
            with torch.no_grad():
                vae(self.batch(vae, size))
        assert shapes(vae) == before == shapes(self.build(seed=1).model)

    def test_safetensors(self, vae: VAE) -> None:
        """A state dict can be saved and loaded: no tensor is shared or kept elsewhere."""
        other = self.build(seed=1).model.eval()
        load_strictly(other, read_tensors(save(vae.state_dict()), "the test's bytes"), "the test's bytes")
        batch = self.batch(vae)
        assert torch.equal(other.restore(batch.y, batch.cond).image, vae.restore(batch.y, batch.cond).image)

    def test_deepcopy(self, vae: VAE) -> None:
        """A deep copy gives the same results and shares no tensor."""
        twin, batch = copy.deepcopy(vae), self.batch(vae)
        before = vae.restore(batch.y, batch.cond).image
        assert torch.equal(twin.restore(batch.y, batch.cond).image, before)
        for parameter in twin.parameters():
            parameter.data.zero_()
        assert torch.equal(vae.restore(batch.y, batch.cond).image, before)

    def test_half_precision(self, vae: VAE) -> None:
        """In bfloat16 on a CPU, a restored image is nearly the same."""
        batch = self.batch(vae)
        whole = vae.restore(batch.y, batch.cond).image
        half = vae.to(torch.bfloat16).restore(batch.y.bfloat16(), batch.cond).image
        assert half.dtype == torch.bfloat16
        torch.testing.assert_close(half.float(), whole, rtol=0, atol=0.1)

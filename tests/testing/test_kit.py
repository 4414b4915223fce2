"""The contract kit can fail: a fault is planted in a part, and the check that is there for it finds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

import pytest
import torch
from torch import Tensor, nn

from vaezoo.core import (
    VAE,
    Batch,
    Conditioner,
    Context,
    Decoder,
    DiagonalGaussian,
    Dirac,
    ELBOLoss,
    Encoder,
    Gaussian,
    Loss,
    NormalPrior,
    Objective,
    Phase,
    Terms,
)
from vaezoo.core.conditioner import factor_of
from vaezoo.errors import ShapeError
from vaezoo.testing import ModelContract
from vaezoo.testing.model import stirred

SIZE, LATENTS = (8, 8), 3
Fault = Callable[[Tensor], Tensor]


def same(x: Tensor) -> Tensor:
    return x


@final
class ToyEncoder(Encoder):
    """A dense encoder that a fault can be put into: before its layer, or into its belief."""

    def __init__(self, before: Fault = same, mean: Fault = same, logvar: Fault = same) -> None:
        super().__init__()
        self.channels, self.size = 1, SIZE
        self.layer = nn.Linear(64, 2 * LATENTS)
        self.before, self.mean, self.logvar = before, mean, logvar

    def forward(self, image: Tensor, context: Context) -> DiagonalGaussian:
        mean, logvar = self.layer(self.before(image.flatten(1))).chunk(2, 1)
        return DiagonalGaussian(self.mean(mean), self.logvar(logvar.clamp(-6, 2)))


@final
class ToyDecoder(Decoder):
    """A dense decoder that a fault can be put into."""

    def __init__(self, before: Fault = same, image: Fault = same, sign: float = 1.0) -> None:
        super().__init__()
        self.channels, self.size = 1, SIZE
        self.layer = nn.Linear(LATENTS, 64)
        self.before, self.image, self.sign = before, image, sign

    def forward(self, state: Tensor, context: Context) -> Gaussian:
        image = self.image(torch.sigmoid(self.layer(self.before(state))).view(-1, 1, *SIZE))
        likelihood = Gaussian(image, torch.full_like(image, -3.0))
        return Flipped(image, torch.full_like(image, -3.0)) if self.sign < 0 else likelihood


class Flipped(Gaussian):  # type: ignore[misc]
    """A likelihood of the wrong sign."""

    def log_prob(self, x: Tensor) -> Tensor:
        return -super().log_prob(x)

    def crop(self, size: tuple[int, int]) -> Flipped:
        return self


class ToyContract(ModelContract):
    """The contract of a toy, whose model comes from a function instead of the registry."""

    model = "mlp-vae"

    def __init__(self, make: Callable[[], Objective]) -> None:
        self.make = make

    def build(self, seed: int = 0) -> Objective:
        torch.manual_seed(seed)
        objective = self.make()
        stirred(objective)
        return objective


def toy(encoder: Encoder | None = None, decoder: Decoder | None = None, loss: Loss | None = None) -> Objective:
    model = VAE(encoder=encoder or ToyEncoder(), prior=NormalPrior(LATENTS), decoder=decoder or ToyDecoder())
    return Objective(model, loss or ELBOLoss())


@final
class Restless(nn.Module):
    """Counts its uses, in evaluation too."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("uses", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.uses += 1
        return x


@final
class Growing(nn.Module):
    """Makes a parameter when it sees its first image."""

    def __init__(self) -> None:
        super().__init__()
        self.register_parameter("scale", None)

    def forward(self, x: Tensor) -> Tensor:
        if self.scale is None:
            self.scale = nn.Parameter(torch.ones(x.shape[1]))
        return x * self.scale


@final
class HalfLoss(Loss):
    """The bound of half a model: the encoder's layer is cut off."""

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        bound = model(batch)
        loss = bound.distortion.detach().mean() + 0 * sum(p.sum() for p in model.encoder.parameters())
        return Terms(loss + model.decoder.layer.weight.sum() + model.decoder.layer.bias.sum(), {})


@final
class WrongWay(Loss):
    """The bound with the wrong sign."""

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        return Terms(-model(batch).distortion.mean() - 1e-3 * model(batch).rate.mean(), {})


class Shared(nn.Module):
    """Returns its argument, and holds a layer of somebody else's."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return x


class Uncopied(nn.Module):
    """Keeps its tensor out of reach of a deep copy."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(64))

    def __deepcopy__(self, memo: Any) -> Uncopied:
        return self

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


def sharing() -> Objective:
    encoder = ToyEncoder()
    encoder.before = Shared(encoder.layer)
    return toy(encoder)


def unsteady(x: Tensor) -> Tensor:
    return x + 0.1 * torch.randn_like(x)


def of_the_batch(x: Tensor) -> Tensor:
    return x - x.mean(0, keepdim=True) if x.shape[0] > 1 else x + 0.5


PLANTED: dict[str, tuple[str, Callable[[], Objective]]] = {
    "an image half as wide": ("bound", lambda: toy(decoder=ToyDecoder(image=lambda x: x[..., :4]))),
    "a belief that is not finite": ("bound", lambda: toy(ToyEncoder(mean=lambda m: m / 0))),
    "a likelihood of the wrong sign": ("near_beats_far", lambda: toy(decoder=ToyDecoder(sign=-1.0))),
    "noise beside the seed": ("determinism", lambda: toy(ToyEncoder(mean=unsteady))),
    "a mean over the batch": ("images_of_a_batch_are_independent", lambda: toy(ToyEncoder(before=of_the_batch))),
    "a mean over the batch, in the bound": ("one_image", lambda: toy(ToyEncoder(before=of_the_batch))),
    "a width over the batch": ("one_image", lambda: toy(ToyEncoder(logvar=of_the_batch))),
    "a parameter in double": ("numbers_are_single", lambda: toy(ToyEncoder(before=nn.Identity().double())).double()),
    "a buffer that is infinite": ("numbers_are_single", lambda: infinite()),
    "an image in double": ("numbers_are_single", lambda: toy(decoder=ToyDecoder(image=lambda x: x.double()))),
    "a dropout that is never off": ("looking_changes_nothing", lambda: toy(ToyEncoder(before=unsteady))),
    "a buffer that counts uses": ("looking_changes_nothing", lambda: toy(ToyEncoder(before=Restless()))),
    "a seed that is not used": ("samples_follow_their_seed", lambda: seedless(fixed=True)),
    "torch's own generator instead of the noise": ("samples_follow_their_seed", lambda: seedless(fixed=False)),
    "an encoder the loss forgets": ("gradients_reach_every_parameter", lambda: toy(loss=HalfLoss())),
    "a loss the wrong way": ("training_helps", lambda: toy(loss=WrongWay())),
    "a parameter made while running": (
        "state_depends_on_the_configuration_alone",
        lambda: toy(ToyEncoder(before=Growing())),
    ),
    "a layer under two names": ("safetensors", sharing),
    "a part that is not copied": ("deepcopy", lambda: toy(ToyEncoder(before=Uncopied()))),
    "a factor that is not heard": ("enlarges", lambda: larger(deaf=True)),
    "an image of floats only": ("half_precision", lambda: toy(decoder=ToyDecoder(before=lambda z: z.float()))),
}


RAISED = {"an image half as wide": ShapeError, "a layer under two names": RuntimeError}
RAISED |= {"an image of floats only": RuntimeError}
"""Faults that the model, torch or safetensors refuses before a check can say so."""


@final
class ToyEnlarger(Conditioner):
    """Repeats pixels two or three times; a deaf one always twice."""

    takes, enlarges = ("factor",), (2, 3)

    def __init__(self, deaf: bool) -> None:
        super().__init__()
        self.channels, self.deaf = 1, deaf

    def forward(self, y: Tensor, cond: Mapping[str, Tensor]) -> Context:
        factor = factor_of(cond, self.enlarges, y.shape[0])
        factor = 2 if self.deaf else factor
        image = nn.functional.interpolate(y, scale_factor=factor)
        return Context(y.shape[0], (y.shape[2], y.shape[3]), image=image, factor=factor)


@final
class BrightnessEncoder(Encoder):
    """Sees how bright an image is."""

    def __init__(self) -> None:
        super().__init__()
        self.channels, self.layer = 1, nn.Linear(1, 2 * LATENTS)

    def forward(self, image: Tensor, context: Context) -> DiagonalGaussian:
        mean, logvar = self.layer(image.mean((2, 3))).chunk(2, 1)
        return DiagonalGaussian(mean, logvar.clamp(-6, 2))


@final
class BrightnessDecoder(Decoder):
    """Makes the enlarged image brighter."""

    def __init__(self) -> None:
        super().__init__()
        self.channels, self.layer = 1, nn.Linear(LATENTS, 1)

    def forward(self, state: Tensor, context: Context) -> Gaussian:
        assert context.image is not None
        image = context.image + self.layer(state)[:, :, None, None]
        return Gaussian(image, torch.full_like(image, -3.0))


def larger(deaf: bool = False) -> Objective:
    parts = {"encoder": BrightnessEncoder(), "prior": NormalPrior(LATENTS), "decoder": BrightnessDecoder()}
    return Objective(VAE(**parts, conditioner=ToyEnlarger(deaf), encodes="target"), ELBOLoss())


def infinite() -> Objective:
    objective = toy(ToyEncoder(before=Restless()))
    objective.model.encoder.before.uses.fill_(float("inf"))
    return objective


def seedless(fixed: bool) -> Objective:
    objective = toy()
    prior = objective.model.prior
    drawn = prior.draw
    noise = torch.ones if fixed else torch.randn
    prior.draw = lambda eps, context: drawn(noise(eps.shape), context)  # type: ignore[method-assign]
    return objective


CHECKS = {
    "bound",
    "rate_is_the_divergence",
    "near_beats_far",
    "restore",
    "sample",
    "another_size_is_refused",
    "numbers_are_single",
    "determinism",
    "images_of_a_batch_are_independent",
    "one_image",
    "samples_follow_their_seed",
    "looking_changes_nothing",
    "gradients_reach_every_parameter",
    "training_helps",
    "state_depends_on_the_configuration_alone",
    "safetensors",
    "deepcopy",
    "half_precision",
    "enlarges",
}
TRAINED = {"gradients_reach_every_parameter", "training_helps"}


def check(name: str, make: Callable[[], Objective]) -> None:
    contract = ToyContract(make)
    objective = contract.build()
    getattr(contract, f"test_{name}")(objective if name in TRAINED else objective.model.eval())


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_sound_model_passes(name: str) -> None:
    check(name, toy)


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault: str) -> None:
    name, make = PLANTED[fault]
    with pytest.raises(RAISED.get(fault, AssertionError)):
        check(name, make)


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_sound_model_that_enlarges_passes(name: str) -> None:
    check(name, larger)


def test_every_check_is_tried_here() -> None:
    there = {name.removeprefix("test_") for name in dir(ModelContract) if name.startswith("test_")}
    assert there == CHECKS | {"facts"}  # facts: in tests/plugins, and below where a plugin is at fault


@final
class PointEncoder(Encoder):
    """An encoder that is sure of a point."""

    def __init__(self) -> None:
        super().__init__()
        self.channels, self.size = 1, SIZE
        self.layer = nn.Linear(64, LATENTS)

    def forward(self, image: Tensor, context: Context) -> Dirac:
        return Dirac(self.layer(image.flatten(1)))


def test_a_point_needs_no_rate() -> None:
    check("bound", lambda: toy(PointEncoder()))
    with pytest.raises(pytest.skip.Exception, match="a point has no density"):
        check("rate_is_the_divergence", lambda: toy(PointEncoder()))
    check("one_image", lambda: toy(PointEncoder()))

"""What a model costs, against multiplications counted by hand and against what really runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import vaezoo
from vaezoo.core import Bernoulli, Context, Decoder, DiagonalGaussian, Encoder, Likelihood, Posterior
from vaezoo.core.facts import EncoderFacts, Grid
from vaezoo.errors import ConfigError, PluginError
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.inspection.cost import Counter, _counted, _total
from vaezoo.registry.entries import Source
from vaezoo.zoo.specs import resolve


def conv(side: float, inputs: int, outputs: int, kernel: int = 3) -> float:
    """Multiplications of a convolution with side² outputs a channel."""
    return side**2 * inputs * outputs * kernel**2


@pytest.mark.parametrize(
    ("layer", "shape", "macs"),
    [
        (nn.Conv2d(3, 8, 3, padding=1), (1, 3, 10, 7), 10 * 7 * 3 * 8 * 9),
        (nn.Conv2d(8, 8, 3, 2, padding=1, groups=4), (2, 8, 10, 10), 2 * 25 * 8 * 2 * 9),
        (nn.Conv2d(2, 4, 5, dilation=2, padding=4), (1, 2, 9, 9), 81 * 2 * 4 * 25),
        (nn.ConvTranspose2d(16, 96, 4, 4), (1, 16, 3, 3), 9 * 16 * 96 * 16),
        (nn.Conv2d(4, 4, 3, padding=1, padding_mode="replicate"), (1, 4, 6, 6), 36 * 16 * 9),
        (nn.Linear(784, 128), (1, 784), 784 * 128),
        (nn.Linear(16, 8), (2, 5, 16), 2 * 5 * 16 * 8),
        (nn.SiLU(), (1, 4, 6, 6), 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_a_layer(layer: nn.Module, shape: tuple[int, ...], macs: int) -> None:
    with torch.no_grad():
        assert _total(lambda: layer(torch.zeros(shape)))[1] == macs
        assert _total(lambda: layer.to("meta")(torch.zeros(shape, device="meta")))[1] == macs


def test_conv_beta_by_hand() -> None:
    cost = vaezoo.explain("conv-beta", cost=True)["cost"]
    encoder, decoder = cost["stages"]["encoder"], cost["stages"]["decoder"]
    down = [conv(s, a, b) + conv(s, b, b) for s, a, b in ((16, 1, 32), (8, 32, 64), (4, 64, 96))]
    up = [conv(s, a, b) + conv(s, b, b) for s, a, b in ((4, 96, 64), (8, 64, 32), (16, 32, 32))]
    believe, spread, project = conv(1, 96, 32, 4), conv(1, 16, 96, 4), conv(32, 32, 1)
    assert encoder["children"]["stages"]["macs"] == sum(down) and encoder["children"]["believe"]["macs"] == believe
    assert [decoder["children"][f"stages.{i}"]["macs"] for i in range(3)] == up
    assert decoder["children"]["spread"]["macs"] == spread and decoder["children"]["project"]["macs"] == project
    assert encoder["macs"] == sum(down) + believe and decoder["macs"] == spread + sum(up) + project
    assert cost["totals"]["restore"]["macs"] == encoder["macs"] + decoder["macs"]
    assert encoder["macs_per_pixel"] == encoder["macs"] / 28**2 and cost["padded"] == [32, 32]
    assert decoder["children"]["stages.2"]["shapes"] == {"output": [32, 16, 16]}
    assert encoder["shapes"] == {"mean": [16, 1, 1]} and decoder["shapes"] == {"image": [1, 32, 32]}
    assert cost["device"] == "meta" and cost["parameters"] == sum(
        p.numel() for p in vaezoo.create("conv-beta").parameters()
    )


def denoise_by_hand(blocks: int, pixels: int) -> dict[str, float]:
    """Multiplications a pixel: an image of side 1 has sides of a half, a quarter and an eighth at its levels."""
    widths, latents, evidence, sides = (48, 72, 96), (4, 6, 8), (16, 24, 32), (1 / 2, 1 / 4, 1 / 8)
    macs = {"levels": 0.0, "correct": 0.0}
    for name, inputs, channels, chain in (("conditioner", 12, widths, blocks), ("encoder", 24, evidence, 1)):
        macs[name] = conv(1 / 2, inputs, channels[0]) + sum(
            2 * chain * conv(s, w, w) for s, w in zip(sides, channels, strict=True)
        )
        macs[name] += sum(conv(sides[i + 1], channels[i], channels[i + 1], 2) for i in range(2))
    macs["conditioner"] += conv(1, 1, widths[0]) / pixels  # the noise level, of which nothing is known: once
    for i, (s, w, z) in enumerate(zip(sides, widths, latents, strict=True)):
        up = conv(sides[i + 1], widths[i + 1], w, 2) if i < 2 else 0
        macs["levels"] += up + conv(s, w, 2 * z, 1) + conv(s, z, w, 1) + 2 * blocks * conv(s, w, w)
        macs["correct"] += conv(s, w + evidence[i], 2 * z)
    macs["decoder"] = conv(1 / 2, 48, 24)
    return macs


@pytest.mark.parametrize(("blocks", "mean_path", "further_sample"), [(2, 81909, 41733), (4, 157077, 79317)])
def test_denoise_by_hand(blocks: int, mean_path: int, further_sample: int) -> None:
    hand = denoise_by_hand(blocks, 40 * 64)
    cost = vaezoo.explain("denoise", blocks=blocks, size=(40, 64), cost=True)["cost"]
    each = {name: stage["macs_per_pixel"] for name, stage in cost["stages"].items()}
    assert each["conditioner"] == pytest.approx(hand["conditioner"]) and each["encoder"] == hand["encoder"]
    assert each["prior.sample"] == hand["levels"] and each["decoder"] == hand["decoder"]
    assert each["prior.infer"] == hand["levels"] + hand["correct"]
    levels = [child["macs_per_pixel"] for child in cost["stages"]["prior.infer"]["children"].values()]
    assert len(levels) == 3 and sum(levels) == each["prior.infer"]
    totals = {name: total["macs_per_pixel"] for name, total in cost["totals"].items()}
    assert totals["restore"] == pytest.approx(hand["conditioner"] + hand["levels"] + hand["decoder"])
    assert int(totals["restore"]) == mean_path
    assert totals["further_sample"] == hand["levels"] + hand["decoder"] == further_sample
    path = hand["levels"] + hand["decoder"]
    assert totals["training_forward"] == pytest.approx(
        hand["conditioner"] + hand["encoder"] + hand["correct"] + 2 * path
    )
    assert cost["stages"]["conditioner"]["shapes"]["features.0"] == [96, 5, 8]


MULTIPLY_THEMSELVES = ("optimised-product-vq-vae",)
"""Models with a part that multiplies matrices outside its modules, such as a rotation."""


@pytest.mark.parametrize("name", vaezoo.list_models())
def test_the_totals_are_what_runs(name: str) -> None:
    model, size = vaezoo.create(name), (28, 28)
    cost = vaezoo.explain(name, size=size, cost=True)
    y = torch.rand(1, model.channels, *size)

    def macs(samples: int) -> int:
        with Counter() as counter:
            model.eval().restore(y, samples=samples)
        return counter.macs

    totals = {name: total["macs"] for name, total in cost["cost"]["totals"].items()}
    assert totals["restore"] == macs(0) and totals["further_sample"] == macs(3) - macs(2)
    assert all(check["ok"] for check in cost["checks"]) and "tensors" not in cost["cost"]
    for stage in cost["cost"]["stages"].values():
        if stage["children"]:  # a VampPrior has none, and runs the encoder
            inside = sum(child["macs"] for child in stage["children"].values())
            assert inside == stage["macs"] or (inside < stage["macs"] and name in MULTIPLY_THEMSELVES)
        assert all(child["macs_per_pixel"] == child["macs"] / 784 for child in stage["children"].values())


def test_with_data_and_without_it_is_the_same() -> None:
    spec = resolve(current_zoo().registry, "denoise")
    with_data, without = (_counted(spec, (16, 24), device) for device in ("cpu", "meta"))
    assert {**with_data, "device": "meta"} == without


def test_a_model_that_looks_at_its_values_is_run_for_real() -> None:
    cost = vaezoo.explain("conv-beta", prior="mixture", cost=True)["cost"]
    assert cost["device"] == "cpu" and cost["stages"]["prior.sample"]["parameters"] == 16 + 2 * 16 * 16
    with pytest.raises(ConfigError, match=r"at most 1048576 pixels, got \(1025, 1024\): 'conv-beta' has to be run"):
        vaezoo.explain("conv-beta", prior="mixture", size=(1025, 1024), cost=True)
    assert vaezoo.explain("conv-beta", size=(4096, 65536), cost=True)["cost"]["device"] == "meta"


def test_a_size_is_found_where_none_is_said() -> None:
    cost = vaezoo.explain("denoise", cost=True)["cost"]
    assert cost["size"] == [256, 256] and int(cost["totals"]["restore"]["macs_per_pixel"]) == 157077


def test_counting_leaves_the_generator_alone() -> None:
    state = torch.get_rng_state()
    vaezoo.explain("conv-beta", prior="mixture", cost=True)
    assert torch.equal(state, torch.get_rng_state())


class WideDecoder(Decoder):
    """Gives twice the height that its facts say, or fails."""

    channels, stride = 1, 32

    def __init__(self, latent_channels: int, fails: bool = False) -> None:
        super().__init__()
        self.layer, self.fails = nn.Linear(latent_channels, 1), fails

    def forward(self, state: Tensor, context: Context) -> Likelihood:
        if self.fails:
            return Bernoulli(state @ state.new_zeros(3, 3))
        logits = self.layer(state.mean((2, 3)))[:, :, None, None]
        return Bernoulli(logits.expand(-1, -1, 2 * context.size[0], context.size[1]))


@dataclass(frozen=True)
class LatePosterior(Posterior):
    """Has a mean that is work of its own, as a flow's is."""

    base: DiagonalGaussian
    layer: nn.Module

    @property
    def mean(self) -> Tensor:
        return self.layer(self.base.mean)

    def sample(self, *arguments: Any, **more: Any) -> Any:
        return self.base.sample(*arguments, **more)

    def log_prob(self, z: Tensor) -> Tensor:
        return self.base.log_prob(z)


class LateBody(nn.Module):
    def __init__(self, latent_channels: int) -> None:
        super().__init__()
        self.believe, self.late = nn.Linear(784, 2 * latent_channels), nn.Linear(latent_channels, latent_channels)

    def forward(self, image: Tensor) -> Posterior:
        return LatePosterior(DiagonalGaussian(*self.believe(image.flatten(1)).chunk(2, 1)), self.late)


class LateEncoder(Encoder):
    channels, size = 1, (28, 28)

    def __init__(self, latent_channels: int) -> None:
        super().__init__()
        self.body = LateBody(latent_channels)

    def forward(self, image: Tensor, context: Context) -> Posterior:
        return self.body(image)


def test_looking_at_a_mean_is_not_counted() -> None:
    def facts(latent_channels: int) -> Any:
        return EncoderFacts("density", (Grid(latent_channels),), 1, (28, 28))

    zoo = Zoo()
    zoo.registry.add_part("encoder", "late", LateEncoder, facts, source=Source("user"))
    stages = vaezoo.explain("mlp-vae", encoder="late", zoo=zoo, cost=True)["cost"]["stages"]
    assert stages["encoder"]["macs"] == stages["encoder"]["children"]["body"]["macs"] == 784 * 32
    assert stages["encoder"]["shapes"] == stages["encoder"]["children"]["body"]["shapes"] == {"mean": [16]}


def zoo_with_a_liar() -> Zoo:
    from vaezoo_conv.facts import ConvDecoderConfig

    def facts(latent_channels: int, fails: bool = False) -> Any:
        return ConvDecoderConfig(latent_channels).facts()

    zoo = Zoo()
    zoo.registry.add_part("decoder", "liar", WideDecoder, facts, source=Source("user"))
    return zoo


def test_facts_that_are_not_true_are_told() -> None:
    tree = vaezoo.explain("conv-beta", decoder="liar", zoo=zoo_with_a_liar(), cost=True)
    wrong = [check["asks"] for check in tree["checks"] if not check["ok"]]
    assert wrong == [
        "the parts, built and run, give the shapes that their facts say",
        "the weights 'fashion' have the names and shapes of this model's tensors",
    ]
    assert tree["cost"]["stages"]["decoder"]["shapes"]["image"] == [1, 64, 32]


def test_a_part_that_fails_when_run() -> None:
    with pytest.raises(PluginError, match=r"The parts of 'conv-beta' fail when run: RuntimeError: .* contract kit"):
        vaezoo.explain(
            "conv-beta", overrides={"decoder": {"name": "liar", "fails": True}}, zoo=zoo_with_a_liar(), cost=True
        )

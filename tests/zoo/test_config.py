"""A part's parameters stand once: in its configuration, from which it is built; a mismatch is refused."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import vaezoo
from vaezoo.core import VAE, Batch, Context, DiagonalGaussian, ELBOLoss, Encoder, Loss, Phase, Terms
from vaezoo.core.facts import EncoderConfig, EncoderFacts, Grid, LossConfig, LossFacts, NetworkConfig, accepts_keywords
from vaezoo.errors import ConfigError, PartMismatch
from vaezoo.host.manager import current_zoo
from vaezoo.host.template import write_plugin
from vaezoo.inspection.explanation import explain
from vaezoo.registry.entries import HOUSE, Part
from vaezoo.registry.parameters import parameters_of, said_of
from vaezoo.registry.registry import Registry
from vaezoo.registry.target import load_object
from vaezoo.zoo.info import declared_info


def parts_of_the_house() -> list[Part]:
    shelves = current_zoo().registry.parts.values()
    return [part for shelf in shelves for _, owner, part in shelf.all() if owner.partition(":")[0] == HOUSE]


@pytest.fixture(autouse=True)
def only_for_one_test() -> Iterator[None]:
    before = {slot: dict(shelf.entries) for slot, shelf in current_zoo().registry.parts.items()}
    yield
    for slot, shelf in current_zoo().registry.parts.items():
        shelf.entries.clear()
        shelf.entries.update(before[slot])


@dataclass(frozen=True)
class TinyConfig(EncoderConfig, stride=4):
    width: int = 8
    """Channels of the
    hidden layer."""


class Tiny(Encoder):
    def __init__(self, config: TinyConfig) -> None:
        super().__init__(config)
        self.body = torch.nn.Conv2d(self.channels, 2 * config.latent_channels, 4, 4)
        self.width = config.width

    def forward(self, image: Tensor, context: Context) -> DiagonalGaussian:
        return DiagonalGaussian(*self.body(image).chunk(2, 1))


class Weighted(Loss):
    def __init__(self, weight: float = 2.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        return Terms(self.weight * model(batch).distortion.mean())


def test_no_part_of_the_house_says_a_parameter_twice() -> None:
    for part in parts_of_the_house():
        target, config = load_object(part.target, part.name), said_of(part)
        assert part.facts is None, f"{part.slot} {part.name!r} has a facts function"
        build: Any = inspect.getattr_static(target, "__init__") if isinstance(target, type) else target
        own = [name for name in inspect.signature(inspect.unwrap(build)).parameters if name != "self"]
        assert own == ["config"], f"{part.slot} {part.name!r} says {own} itself"
        assert build.config is config, f"{part.slot} {part.name!r} does not take the fields of its config as keywords"


def test_every_parameter_of_the_house_is_told() -> None:
    for part in parts_of_the_house():
        silent = [name for name, parameter in parameters_of(part).items() if not parameter.help]
        assert not silent, f"{part.slot} {part.name!r} does not say what {silent} is"


def test_configurations_of_the_house_need_no_torch() -> None:
    modules = sorted({said_of(part).__module__ for part in parts_of_the_house()})
    script = (
        f"import importlib, sys\nfor m in {modules!r}: importlib.import_module(m)\nassert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_part_is_built_from_its_configuration_and_from_keywords() -> None:
    from vaezoo_conv.facts import ConvEncoderConfig
    from vaezoo_conv.networks import ConvEncoder

    made: Any = ConvEncoder
    config = ConvEncoderConfig(2, widths=(4, 8))
    shapes = [{k: v.shape for k, v in each.state_dict().items()} for each in (made(config), made(2, widths=(4, 8)))]
    assert shapes[0] == shapes[1] and len(shapes[0]) > 4
    assert list(inspect.signature(ConvEncoder).parameters) == list(inspect.signature(ConvEncoderConfig).parameters)
    with pytest.raises(FrozenInstanceError):
        config.gather = 2  # type: ignore[misc]
    with pytest.raises(TypeError, match="width"):
        made(2, width=3)


def test_what_cannot_be_is_refused_wherever_it_is_said() -> None:
    for make in (lambda: ELBOLoss(beta=-1), lambda: vaezoo.create_objective("mlp-vae", overrides=["loss.beta=-1"])):
        with pytest.raises(ConfigError, match="Expected beta of at least 0, got -1"):
            make()


def test_a_stranger_registers_a_class_and_no_more() -> None:
    vaezoo.register_encoder("tiny", Tiny)
    model = vaezoo.create(
        "conv-beta", encoder={"name": "tiny", "width": 4}, decoder={"name": "conv", "gather": 1, "widths": [8, 8]}
    )
    assert isinstance(model.encoder, Tiny) and model.encoder.width == 4 and model.encoder.stride == 4
    assert model.origin.spec.parts["encoder"].config.facts() == EncoderFacts("gaussian", (Grid(16, 4),), 1)
    told = declared_info("encoder", "tiny")["parameters"]
    assert told["width"] == {"type": "int", "default": 8, "help": "Channels of the hidden layer."}
    assert "default" not in told["latent_channels"]
    tree = explain("conv-beta", encoder="tiny", decoder={"name": "conv", "gather": 1, "widths": [8, 8]})
    assert tree["encoder"]["params"]["width"] == {"value": 8, "origin": "default", "help": told["width"]["help"]}
    assert "Tiny(TinyConfig(latent_channels=16, image_channels=1, width=8))" in " ".join(tree["python"].split())


def test_facts_that_differ_from_the_constructor_are_refused_when_registered() -> None:
    def facts(weight: float = 3.0, other: int = 1) -> LossFacts:
        return LossFacts()

    with pytest.raises(
        PartMismatch, match="'weighted': Weighted and its facts differ in parameters or defaults: other, weight"
    ):
        vaezoo.register_loss("weighted", Weighted, facts=facts)
    with pytest.raises(PartMismatch, match="'tiny' is built from TinyConfig, but registered with NetworkConfig"):
        other = type("NetworkConfig", (NetworkConfig,), {"facts": TinyConfig.facts})
        vaezoo.register_encoder("tiny", Tiny, config=other)


def test_facts_that_differ_from_the_constructor_are_refused_when_built() -> None:
    here = f"{__name__}:wrong_facts"
    vaezoo.register_loss("weighted", f"{__name__}:Weighted", facts=here)
    vaezoo.create("mlp-vae", loss="weighted")  # a model has no loss
    with pytest.raises(PartMismatch, match="defaults: weight"):
        vaezoo.create_objective("mlp-vae", loss="weighted")


def wrong_facts(weight: float = 1.0) -> LossFacts:
    return LossFacts()


def right_facts(weight: float = 2.0) -> LossFacts:
    return LossFacts()


def test_a_facts_function_works_as_before() -> None:
    vaezoo.register_loss("weighted", Weighted, facts=right_facts)
    assert vaezoo.create_objective("mlp-vae", loss={"name": "weighted", "weight": 3}).loss.weight == 3.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "expected either its config or its facts, got None and None"),
        ({"facts": right_facts, "config": LossConfig}, "expected either its config or its facts"),
        ({"config": right_facts}, "expected its config as a dataclass with frozen=True and a method facts"),
        ({"config": int}, "expected its config as a dataclass"),
        ({"config": Grid}, "expected its config as a dataclass"),
    ],
)
def test_a_malformed_declaration_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Registry("me").add_part("loss", "weighted", Weighted, **given)


def test_a_function_that_makes_a_part_takes_either() -> None:
    @accepts_keywords(TinyConfig)
    def make(config: TinyConfig) -> Tiny:
        return Tiny(config)

    made: Any = make
    assert made(2, width=5).width == made(TinyConfig(2, width=5)).width == 5
    assert (
        said_of(Part("encoder", "made", make, None, "", current_zoo().registry.parts["encoder"].get("mlp").source))
        is TinyConfig
    )


def test_a_facts_function_of_before_warns_and_answers() -> None:
    import vaezoo_conv.facts as before

    with pytest.warns(FutureWarning, match="encoder.* is ConvEncoderConfig"):
        facts = before.encoder
    assert facts(2, widths=(4,)) == before.ConvEncoderConfig(2, widths=(4,)).facts()
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        before.nothing  # noqa: B018


def test_the_template_is_60_lines(tmp_path: Path) -> None:
    files = [
        path
        for path in write_plugin(tmp_path / "acme-lines")
        if path.suffix in (".py", ".yaml") and path.name != "__init__.py"
    ]
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) <= 60

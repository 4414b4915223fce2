"""What is told of a model without building it: origins, sources, shapes, weights, checks, the same in Python."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import vaezoo
from vaezoo.core import VAE, Batch, Loss, Phase, Terms
from vaezoo.core.facts import (
    ConditionerFacts,
    DecoderFacts,
    EncoderFacts,
    Grid,
    LossConfig,
    LossFacts,
    ModelFacts,
    PriorFacts,
    checks,
)
from vaezoo.errors import ConfigError, UnknownName
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.inspection.equivalent import python_of
from vaezoo.inspection.origins import bytes_of, source_of
from vaezoo.registry.declared import SLOTS
from vaezoo.registry.entries import HOUSE, Source
from vaezoo.registry.target import load_object
from vaezoo.store.store import Store
from vaezoo.zoo.specs import resolve
from vaezoo.zoo.weights import pick

ROOT = Path(__file__).parents[2]
MODELS = vaezoo.list_models()
PARTS = [part for slot in SLOTS for _, _, part in current_zoo().registry.parts[slot].all()]


@pytest.mark.parametrize("name", [name for name, owner, _ in current_zoo().registry.models.all() if owner == HOUSE])
def test_an_origin_is_the_line_that_says_the_value(name: str) -> None:
    lines = (ROOT / "registry.yaml").read_text(encoding="utf-8").splitlines()
    tree, told = vaezoo.explain(name), 0
    for slot in SLOTS:
        for key, value in (tree[slot] or {"params": {}})["params"].items():
            if found := re.fullmatch(r"vaezoo \(registry\.yaml:(\d+)\)", value["origin"]):
                line = lines[int(found[1]) - 1]
                said = json.dumps(value["value"]).replace('"', "").removeprefix("{").removesuffix("}")
                assert f"{key}: " in line and said in line, (slot, key, value, line)
                told += 1
        if tree[slot]:
            line = lines[int(tree[slot]["origin"].rpartition(":")[2].rstrip(")")) - 1]
            assert line.startswith(f"    {slot}: {{name: {tree[slot]['name']}")
    assert told >= 2


def test_choices_have_origins_too() -> None:
    tree = vaezoo.explain("denoise", overrides=["loss=elbo"])
    assert tree["encodes"]["value"] == "target" and "registry.yaml:" in tree["encodes"]["origin"]
    assert (tree["loss"]["name"], tree["loss"]["origin"]) == ("elbo", "override")
    tree = vaezoo.explain("conv-beta", encoder="mlp", decoder="mlp")
    assert tree["encodes"] == {"value": "input", "origin": "default"}
    assert tree["encoder"]["origin"] == "argument" and tree["encoder"]["owner"] == "vaezoo:mlp"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.slot}-{part.name}")
def test_a_source_found_by_reading_is_the_one_python_finds(part: Any) -> None:
    target = load_object(part.target, "it")
    found = source_of(part.target)
    lines, first = inspect.getsourcelines(target)
    at = next(i for i, line in enumerate(lines) if line.startswith(("class ", "def ")))  # past the decorators
    assert found["file"] == inspect.getsourcefile(inspect.unwrap(target)) and found["line"] == first + at
    assert found == {**source_of(target), "module": found["module"], "line": found["line"]}


def test_a_source_is_found_without_running_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "booby"
    package.mkdir()
    (package / "__init__.py").write_text("from . import inner\nfrom .inner.deep import Thing as Known\n")
    (package / "inner").mkdir()
    (package / "inner" / "__init__.py").write_text("raise SystemExit\n")
    text = "try:\n    import torch\nexcept ImportError:\n    from .other import Thing\nelse:\n    class Thing: ...\n"
    (package / "inner" / "deep.py").write_text(text)
    (package / "loop.py").write_text("from .loop import Thing\n")
    (package / "broken.py").write_text("class Thing(:\n")
    (tmp_path / "alone.py").write_text("raise SystemExit\ndef make(): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert source_of("booby:Known") == {"module": "booby", "file": str(package / "inner" / "deep.py"), "line": 6}
    assert source_of("alone:make")["line"] == 2
    for module in ("loop", "broken"):
        file = str(package / f"{module}.py")
        assert source_of(f"booby.{module}:Thing") == {"module": f"booby.{module}", "file": file, "line": None}
    for gone in ("booby.nothing:Thing", "no_such_package:Thing", ".relative:Thing"):
        assert source_of(gone)["file"] is None
    assert "booby" not in sys.modules and source_of(eval("lambda: 0"))["file"] is None


def test_an_owner_has_distribution_and_version() -> None:
    from importlib.metadata import version

    tree = vaezoo.explain("conv-beta")
    assert tree["encoder"]["distribution"] == "vaezoo" and tree["encoder"]["owner"] == "vaezoo:conv"
    assert tree["version"] == tree["prior"]["version"] == tree["encoder"]["version"] == version("vaezoo")
    zoo = Zoo()
    zoo.registry.add_model(
        "mine", {"encoder": "mlp", "prior": "normal", "decoder": "mlp", "loss": "elbo"}, Source("user")
    )
    tree = vaezoo.explain("mine", latent_channels=2, zoo=zoo)
    assert (tree["owner"], tree["distribution"], tree["version"], tree["declared"]) == ("user", None, None, "user")
    assert tree["weights"] == {}


@pytest.mark.parametrize(
    ("name", "size", "padded", "belief", "state", "gives"),
    [
        ("conv-beta", None, [32, 32], [[16, 1, 1]], [16, 1, 1], [1, 32, 32]),
        ("conv-beta", (33, 64), [64, 64], [[16, 2, 2]], [16, 2, 2], [1, 64, 64]),
        ("mlp-seed", None, [28, 28], [[2]], [2], [1, 28, 28]),
        (
            "denoise",
            None,
            None,
            [[32, "H/8", "W/8"], [24, "H/4", "W/4"], [16, "H/2", "W/2"]],
            [48, "H/2", "W/2"],
            [3, "H", "W"],
        ),
        ("denoise", (37, 53), [40, 56], [[32, 5, 7], [24, 10, 14], [16, 20, 28]], [48, 20, 28], [3, 40, 56]),
    ],
)
def test_shapes_from_facts(name: str, size: Any, padded: Any, belief: Any, state: Any, gives: Any) -> None:
    shapes = vaezoo.explain(name, size=size)["shapes"]
    assert shapes["padded"] == padded and shapes["belief"]["shapes"] == belief
    assert shapes["state"] == state and shapes["likelihood"]["shape"] == gives


def test_a_dense_encoder_before_a_convolutional_decoder() -> None:
    shapes = vaezoo.explain("mlp-vae", decoder="resnet")["shapes"]
    assert shapes["padded"] == [32, 32] and shapes["state"] == [16] and shapes["likelihood"]["shape"] == [1, 32, 32]


@pytest.mark.parametrize("size", [(0, 5), (28,), (28, 28, 1), "28x28", 28, (28.0, 28), (True, 28), (-1, 5), (10**9, 1)])
def test_a_size_that_is_none(size: Any) -> None:
    with pytest.raises(ConfigError, match=r"Expected size as \(H, W\), whole numbers from 1 to 65536, got "):
        vaezoo.explain("conv-beta", size=size)


def test_a_size_that_a_dense_model_does_not_take() -> None:
    assert vaezoo.explain("mlp-vae", size=[28, 28])["shapes"]["size"] == [28, 28]
    message = r"Expected size \(28, 28\), the one that 'mlp-vae' takes, got \(32, 28\)\..*image_size=\[32, 28\]"
    with pytest.raises(ConfigError, match=message):
        vaezoo.explain("mlp-vae", size=(32, 28))
    assert vaezoo.explain("mlp-vae", size=(32, 28), image_size=[32, 28])["shapes"]["size"] == [32, 28]


def test_weights_and_where_their_bytes_are(tmp_path: Path) -> None:
    weight = vaezoo.explain("conv-beta")["weights"]["fashion"]
    assert weight["found"] == "package" and weight["size_agrees"] and Path(weight["path"]).is_file()
    card = replace(pick(current_zoo().registry, "conv-beta", None), urls=("https://x.invalid/a",), size_bytes=3)
    store = Store(tmp_path / "home", (tmp_path / "seed",))
    assert bytes_of(card, store) == {"found": "absent", "path": None, "size_agrees": None}
    seeded = tmp_path / "seed" / card.sha256
    for found, path in (("seed", seeded), ("cache", store.path_of(card.sha256))):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"123")
        assert bytes_of(card, store) == {"found": found, "path": str(path), "size_agrees": True}
    local = replace(card, urls=("hf://a/b@c/d", seeded.as_uri()), size_bytes=4)
    assert bytes_of(local, store) == {"found": "file", "path": str(seeded), "size_agrees": False}


def test_a_mirror_is_followed_and_a_malformed_one_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = replace(pick(current_zoo().registry, "conv-beta", None), urls=("https://x.invalid/a",), size_bytes=1)
    (tmp_path / "a").write_bytes(b"1")
    monkeypatch.setenv("VAEZOO_MIRROR", f"https://x.invalid/={tmp_path.as_uri()}/")
    assert bytes_of(card, Store(tmp_path))["found"] == "file"
    monkeypatch.setenv("VAEZOO_MIRROR", "nonsense")
    assert bytes_of(card, Store(tmp_path))["found"] == "absent"


def test_an_unknown_tag() -> None:
    with pytest.raises(UnknownName, match=r"The model 'conv-beta' has no weights 'fashon'. Did you mean 'fashion'"):
        vaezoo.explain("conv-beta.fashon")


def test_the_environment_is_told_without_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEZOO_MIRROR", "https://a.invalid/=https://me:secret@b.invalid/")
    monkeypatch.setenv("VAEZOO_NEW_SETTING", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("VAEZOO_DATA", "/data")
    monkeypatch.setenv("VAEZOO_STRICT_PLUGINS", "")
    told = vaezoo.explain("mlp-seed")["environment"]
    assert told["VAEZOO_MIRROR"] == "https://a.invalid/=https://b.invalid/"
    assert told["VAEZOO_NEW_SETTING"] == told["HF_HUB_OFFLINE"] == "1"
    assert not {"VAEZOO_DATA", "VAEZOO_STRICT_PLUGINS"} & set(told)


GRID, CELL = Grid(4, 8), Grid(4)
FACTS = ModelFacts(
    EncoderFacts("gaussian", (GRID,), 1),
    PriorFacts(frozenset({"gaussian"}), (GRID,), GRID),
    DecoderFacts(GRID, "gaussian", 1),
    LossFacts(),
    ConditionerFacts(1, gives_image=True),
)


@pytest.mark.parametrize(
    ("asks", "wrong"),
    [
        ("the prior infers from the encoder's belief", replace(FACTS, encoder=EncoderFacts("pyramid", (GRID,), 1))),
        ("all parts agree on image channels and size", replace(FACTS, encoder=EncoderFacts("gaussian", (GRID,), 3))),
        ("there is something to decode", replace(FACTS, encoder=None, loss=None)),
        ("the decoder takes the prior's state", replace(FACTS, decoder=DecoderFacts(CELL, "gaussian", 1))),
        ("the context holds what the parts read", replace(FACTS, decoder=DecoderFacts(GRID, "gaussian", 1, vector=2))),
        ("the input is seen where the target is encoded", replace(FACTS, encodes="target")),
        ("the loss finds what it needs", replace(FACTS, loss=LossFacts(conditional=True))),
    ],
)
def test_a_check_can_fail(asks: str, wrong: ModelFacts) -> None:
    assert not any(check.misfits for check in checks(FACTS))
    assert [check.asks for check in checks(wrong) if check.misfits] == [asks]


def test_checks_are_told_with_their_answers() -> None:
    told = vaezoo.explain("conv-beta")["checks"]
    assert all(check["ok"] is True for check in told)
    assert {check.asks for check in checks(FACTS)} < {check["asks"] for check in told}


@pytest.mark.parametrize("name", MODELS)
def test_the_python_builds_the_same_model_and_loss(name: str) -> None:
    tree, scope = vaezoo.explain(name), {}
    exec(tree["python"], scope)
    made = vaezoo.create(name)
    shapes = {key: tensor.shape for key, tensor in made.state_dict().items()}
    assert {key: tensor.shape for key, tensor in scope["model"].state_dict().items()} == shapes
    assert (scope["model"].encodes, scope["model"].default_size) == (made.encodes, made.default_size)
    assert type(scope["loss"]).__name__ == tree["loss"]["target"].rpartition(":")[2]
    assert max(map(len, tree["python"].splitlines())) <= 92


class Twin:
    """Two parts of one name, in two modules."""


def test_the_python_of_two_parts_with_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    zoo = Zoo()
    for slot, other in (("encoder", "DenseEncoder"), ("decoder", "DenseDecoder")):
        part = zoo.registry.parts[slot].get("mlp")
        assert part.target == f"vaezoo_mlp.networks:{other}"
        module = type(sys)(f"twin_{slot}")
        module.Net = load_object(part.target, "it")  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        zoo.registry.add_part(slot, "twin", f"twin_{slot}:Net", part.facts, source=Source("user"))
    text = vaezoo.explain("mlp-seed", encoder="twin", decoder="twin", zoo=zoo)["python"]
    assert "from twin_decoder import Net as NetOfDecoder" in text
    scope: dict[str, Any] = {}
    exec(text, scope)
    assert type(scope["model"].encoder).__name__ == "DenseEncoder"


@dataclass(frozen=True)
class Endless(LossConfig):
    beta: float = float("inf")


class EndlessLoss(Loss):
    def __init__(self, config: Endless) -> None:
        super().__init__()
        self.beta = config.beta

    def forward(self, model: VAE, batch: Batch, step: int, phase: Phase | None = None) -> Terms:
        return Terms(self.beta * model(batch).rate.mean())


def test_the_python_of_an_object_and_of_an_infinite_default() -> None:
    zoo = Zoo()
    zoo.registry.add_part("loss", "mine", EndlessLoss, source=Source("user"))
    spec = resolve(zoo.registry, "conv-beta", {"loss": "mine"})
    assert f"from {__name__} import Endless, EndlessLoss\n" in python_of(spec)
    assert "loss = EndlessLoss(Endless(beta=float('inf')))" in python_of(spec)


def test_it_is_json_and_loads_no_torch() -> None:
    script = (
        "import sys, json, vaezoo; "
        "[json.dumps(vaezoo.explain(n, overrides=['encodes=' + vaezoo.explain(n)['encodes']['value']])) "
        "for n in vaezoo.list_models()]; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr

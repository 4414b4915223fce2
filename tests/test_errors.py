"""Every named error: its code, its exit code, its hint, the value that caused it, and what a user reads."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vaezoo
from vaezoo import errors
from vaezoo.cli import main
from vaezoo.errors import VaezooError
from vaezoo.host.manager import current_zoo
from vaezoo.zoo.lock import write_lock

ROOT = Path(__file__).parents[1]
CLASSES: list[type[VaezooError]] = [
    value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, VaezooError)
]
EXIT_CODES = {
    1: {"error", "image", "shape", "data-missing", "training", "checkpoint", "not-normalised", "store"},
    2: {"config", "incompatible-parts", "part-mismatch"},
    3: {"unknown-name"},
    4: {"weights", "hash-mismatch", "size-mismatch", "probe-mismatch", "tensor-mismatch", "lock-mismatch"},
    5: {"network"},
    6: {"offline"},
    7: {"duplicate-name", "plugin", "backend"},
}
"""As `vaezoo --help` documents them; a program may rely on them, so they do not change."""
SOURCES = [p for p in [*ROOT.glob("vaezoo/**/*.py"), *ROOT.glob("plugins/**/*.py")] if "tests" not in p.parts]


def test_codes_are_unique_and_exit_codes_are_as_documented() -> None:
    assert len({kind.code for kind in CLASSES}) == len(CLASSES)
    found: dict[int, set[str]] = {}
    for kind in CLASSES:
        found.setdefault(kind.exit_code, set()).add(kind.code)
    assert found == EXIT_CODES


def test_the_page_on_weights_lists_every_class_under_its_exit_code() -> None:
    page = (ROOT / "docs/weights.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([1-7]) \| (.*) \|$", page, re.M))
    listed = {int(code): set(re.findall(r"`(\w+)`", row)) for code, row in rows.items()}
    found: dict[int, set[str]] = {}
    for kind in CLASSES[1:]:
        found.setdefault(kind.exit_code, set()).add(kind.__name__)
    assert listed == found and CLASSES[0] is VaezooError


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_has_a_hint_a_docstring_and_keeps_the_value(kind: type[VaezooError]) -> None:
    assert kind.__doc__ and kind.advice.endswith(".")
    assert [c for c in CLASSES if c.advice == kind.advice] == [kind]
    bare, told = kind("What came.", value=5), kind("What came.", hint="Do this.")
    assert (str(bare), bare.hint, bare.value) == ("What came.", kind.advice, 5)
    assert (str(told), told.hint) == ("What came. Do this.", "Do this.")


def raised(path: Path) -> list[ast.Call]:
    names = {kind.__name__ for kind in CLASSES}
    nodes = (node.exc for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Raise))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    return [c for c in calls if ast.unparse(c.func).rpartition(".")[2] in names or ast.unparse(c.func) == "type(error)"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_raise_names_the_value_that_caused_it(path: Path) -> None:
    bare = [call.lineno for call in raised(path) if "value" not in {keyword.arg for keyword in call.keywords}]
    assert not bare, f"no value= at lines {bare}"
    assert not [c.lineno for c in raised(path) if ast.unparse(c.func) == "VaezooError"], "it has no name of its own"


def test_the_rule_can_fail(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("raise ConfigError('a')\nraise ShapeError('b', value=1)\nraise ValueError('c')\n")
    with pytest.raises(AssertionError, match=r"no value= at lines \[1\]"):
        test_every_raise_names_the_value_that_caused_it(tmp_path / "a.py")


# What a user meets


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in: ``pictures/`` of 28×28 pixels, ``large.png`` and ``file``, and no data sets."""
    monkeypatch.chdir(tmp_path)
    for name in ("VAEZOO_DATA", "VAEZOO_OFFLINE", "HF_HUB_OFFLINE", "VAEZOO_LOCK"):
        monkeypatch.delenv(name, raising=False)
    Path("pictures").mkdir()
    rng = np.random.default_rng(0)
    for index in range(4):
        Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(f"pictures/{index}.png")
    Image.fromarray(rng.integers(0, 256, (40, 40), np.uint8)).save("large.png")
    Path("file").write_text("a file")
    return tmp_path


Patch = pytest.MonkeyPatch
TRAIN = ("train", "mlp-seed", "data.sets=[pictures]", "data.gray=true", "epochs=0", "steps=1", "batch=2")


def other_weights(_: Patch) -> None:
    vaezoo.save(vaezoo.create("mlp-vae"), "other")


def garbled_checkpoint(_: Patch) -> None:
    Path("run").mkdir()
    Path("run/checkpoint.safetensors").write_text("garbage")


def two_owners(patch: Patch) -> None:
    models = current_zoo().registry.models
    model = models.get("mlp-seed")
    patch.setattr(models, "entries", {**models.entries, "twin": {"a:one": model, "b:two": model}})


def wrong_card(patch: Patch) -> None:
    cards = current_zoo().registry.cards
    wrong = replace(cards.get("mlp-seed.fashion"), sha256="f" * 64)
    patch.setattr(cards, "entries", {**cards.entries, "mlp-seed.fashion": {"vaezoo": wrong}})


def short_file(patch: Patch) -> None:
    def hf_hub_download(*_: Any, local_dir: Path, **__: Any) -> str:
        Path(local_dir).mkdir()
        Path(local_dir, "short").write_bytes(b"short")
        return str(Path(local_dir, "short"))

    cards = current_zoo().registry.cards
    elsewhere = replace(cards.get("mlp-seed.fashion"), urls=("hf://some/one@v1/file",), sha256="e" * 64)
    patch.setattr(cards, "entries", {**cards.entries, "mlp-seed.fashion": {"vaezoo": elsewhere}})
    patch.setattr("huggingface_hub.hf_hub_download", hf_hub_download)
    patch.setenv("VAEZOO_HOME", "home")


def other_lock(patch: Patch) -> None:
    write_lock("vaezoo.lock", ["mlp-seed"])
    Path("vaezoo.lock").write_text(Path("vaezoo.lock").read_text().replace("relu", "silu"))
    patch.setenv("VAEZOO_LOCK", "1")


def full_disk(patch: Patch) -> None:
    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")

    patch.setattr(os, "fsync", fsync)


def refusing_hub(patch: Patch) -> None:
    class HfApi:
        def __init__(self, **_: Any) -> None:
            pass

        def create_repo(self, *_: Any, **__: Any) -> None:
            raise RuntimeError("403 Forbidden\nmore")

    patch.setattr("huggingface_hub.HfApi", HfApi)


def offline(patch: Patch) -> None:
    patch.setenv("VAEZOO_OFFLINE", "1")


def no_hub(patch: Patch) -> None:
    patch.setitem(sys.modules, "huggingface_hub", None)


def foreign_part(_: Patch) -> None:
    vaezoo.save(vaezoo.create("mlp-seed"), "saved", card=dict.fromkeys(("licence", "recipe", "command"), "x"))
    told = Path("saved/vaezoo.yaml")
    told.write_text(told.read_text().replace("owner: vaezoo:mlp", "owner: vaezoo-gone:gone"))
    digest = "'" + "0" * 64 + "'"
    Path("card.yaml").write_text(f"{{data: [], recipe_sha256: {digest}, seed: 0, steps: 1, hardware: x, cpu_hours: 1}}")


def nothing(_: Patch) -> None:
    """Nothing has to be prepared."""


def other_config(patch: Patch) -> None:
    losses = current_zoo().registry.parts["loss"]
    other = replace(losses.get("elbo"), config="vaezoo_beta.facts:BetaLossConfig")
    patch.setattr(losses, "entries", {**losses.entries, "elbo": {"vaezoo": other}})


HUB = ("publish", "mlp-seed", "--to", "hf://someone/weights")
MEETINGS: list[tuple[str, tuple[str, ...], Callable[[Patch], None], str]] = [
    ("ImageError", ("enhance", "nowhere.png"), nothing, "nowhere.png cannot be read: no such file."),
    ("ShapeError", ("eval", "mlp-seed", "--data", "."), nothing, "one size, but . has some of 28x28 and 40x40."),
    ("DataMissing", ("eval", "mlp-seed"), nothing, "Data set 'fashion-mnist-test' (MIT) is in none of the folders"),
    ("TrainingError", (*TRAIN, "--out", "file/run"), nothing, "The folder file/run cannot be made: Not a directory."),
    ("CheckpointError", (*TRAIN, "--out", "run"), garbled_checkpoint, "run/checkpoint.safetensors is no checkpoint"),
    ("NotNormalised", ("eval", "mlp-seed", "--data", "pictures", "--nll", "2"), nothing, "got gray ones. Binarise"),
    ("ConfigError", ("explain", "conv-beta", "loss.bta=2"), nothing, "has no parameter 'bta'. Did you mean 'beta'"),
    ("IncompatibleParts", ("explain", "conv-beta", "prior=ladder"), nothing, "The encoder 'conv' gives a gaussian"),
    ("PartMismatch", ("explain", "mlp-vae", "--cost"), other_config, "is built from ELBOLossConfig, but registered"),
    ("UnknownName", ("info", "conv-bta"), nothing, "Expected a known model, got 'conv-bta'. Did you mean 'conv-beta'"),
    ("DuplicateName", ("info", "twin"), two_owners, "is claimed by a:one and b:two. Use one/twin or two/twin"),
    ("WeightsError", ("eval", "mlp-seed", "--weights", "none.safetensors"), nothing, "cannot read none.safetensors"),
    ("HashMismatch", ("eval", "mlp-seed"), wrong_card, f"instead of {'f' * 64}. Reinstall"),
    ("SizeMismatch", ("eval", "mlp-seed"), short_file, "hf://some/one@v1/file: 5 bytes where "),
    ("TensorMismatch", ("eval", "mlp-seed", "--weights", "other/model.safetensors"), other_weights, "not the model"),
    ("LockMismatch", ("eval", "mlp-seed"), other_lock, "encoder.params.activation: silu → relu"),
    ("StoreError", ("publish", "mlp-seed", "--to", "new"), full_disk, "cannot be written: No space left on device."),
    ("NetworkError", HUB, refusing_hub, "does not take someone/weights: RuntimeError: 403 Forbidden. Log in by"),
    ("OfflineError", HUB, offline, "cannot be reached while VAEZOO_OFFLINE is set. Publish to a folder."),
    ("PluginError", ("publish", "saved", "--to", "new", "--as", "a.b", "--card", "card.yaml"), foreign_part,
     "needs the encoder 'mlp' of the plugin 'gone', which is not installed. If you trust it: pip install vaezoo-gone"),
    ("BackendUnavailable", HUB, no_hub, "needs huggingface_hub. pip install 'vaezoo[hub]'"),
]  # fmt: skip


def test_every_class_is_met() -> None:
    """But for the base, and for what is a line in the table of ``vaezoo verify``: see tests/cli/test_trust.py."""
    elsewhere = (VaezooError, errors.ProbeMismatch)
    assert sorted(meeting[0] for meeting in MEETINGS) == sorted(k.__name__ for k in CLASSES if k not in elsewhere)


@pytest.mark.parametrize(("name", "words", "prepare", "message"), MEETINGS, ids=[m[0] for m in MEETINGS])
@pytest.mark.usefixtures("place")
def test_what_a_user_reads(
    name: str,
    words: tuple[str, ...],
    prepare: Callable[[Patch], None],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kind: type[VaezooError] = getattr(errors, name)
    prepare(monkeypatch)
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert ended.value.code == kind.exit_code
    assert told.startswith("vaezoo: ") and message in told
    cause = ended.value.__context__
    assert type(cause) is kind and cause.value is not None and cause.hint


def test_a_mistake_in_the_words_is_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in (("enhnce", "No verb 'enhnce'. Did you mean 'enhance'"), ("enhance", "Missing argument")):
        with pytest.raises(SystemExit) as ended:
            main([words])
        assert ended.value.code == 2 and message in capsys.readouterr().err

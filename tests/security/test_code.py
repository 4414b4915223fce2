"""Files that are data run no code: folders, recipes, settings and URLs that name something to import."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import vaezoo
from vaezoo.cli.main import VERBS, _group
from vaezoo.core.beliefs.kinds import belief_kind
from vaezoo.core.likelihood.names import parse_kind
from vaezoo.errors import ConfigError
from vaezoo.host.beliefs import refuse_references, trusting_code, values_from
from vaezoo.store.schemes import from_package
from vaezoo.train.recipe import load_recipe

NAMES = ["acme-bad:x", "2acme:x", "acme_bad:x-y", "acme_bad:x:y", "acme_bad:", " acme_bad:x (width=1)"]
"""Each of them imported a module, though ``acme_bad:x`` was refused already."""


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Modules that leave this file when they are imported."""
    names = ("acme-bad", "2acme", "acme_bad")
    for name in names:
        (tmp_path / f"{name}.py").write_text("from pathlib import Path\n(Path(__file__).parent / 'ran').touch()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "ran"
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return vaezoo.save(vaezoo.create("mlp-vae", hidden=[8], seed=0), tmp_path / "model")


def spoil(folder: Path, old: str, new: str) -> None:
    told = folder / "vaezoo.yaml"
    assert old in told.read_text()
    told.write_text(told.read_text().replace(old, new))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("setting", ["belief: gaussian", "likelihood: bernoulli"])
def test_a_folder_imports_nothing(folder: Path, ran: Path, setting: str, name: str) -> None:
    spoil(folder, setting, f"{setting.partition(':')[0]}: '{name}'")
    with pytest.raises(ConfigError, match=r"which would import .* --trust-code"):
        vaezoo.load(folder)
    assert not ran.exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_imports_nothing(ran: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="The recipe asks for"):
        load_recipe("mlp-vae", [f"overrides=['encoder.belief=\"{name}\"']"])
    assert not ran.exists()


def test_what_a_part_reads_under_another_key_is_not_imported_either(ran: Path) -> None:
    for read in (belief_kind, parse_kind):
        with values_from("The model"), pytest.raises(ConfigError, match="The model asks for 'acme_bad:x'"):
            read("acme_bad:x")
    assert not ran.exists()
    with values_from("The model"):
        assert parse_kind("vaezoo_noise.kinds:GaussianNoiseKind")[0]  # a plugin declares it


@pytest.mark.parametrize("key", ["_target_", "kind", "callback"])
def test_a_dotted_reference_is_refused_under_any_key(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"asks for {key} 'os\.path:join'"):
        refuse_references({"encoder": {key: "os.path:join"}}, "It")


@pytest.mark.parametrize("line", ["belief: !!python/object/apply:os.system [id]", "belief: !!python/name:os.system ''"])
def test_tags_of_yaml_make_nothing(folder: Path, line: str) -> None:
    spoil(folder, "belief: gaussian", line)
    with pytest.raises(ConfigError, match="tags are not used here"):
        vaezoo.load(folder)


def test_trust_is_said_and_ends(folder: Path, ran: Path) -> None:
    spoil(folder, "likelihood: bernoulli", "likelihood: acme_bad:x")
    with trusting_code(), pytest.raises(ConfigError, match="needs acme_bad:x, which fails with AttributeError"):
        vaezoo.load(folder)
    assert ran.exists()
    with pytest.raises(ConfigError, match="which would import"):
        vaezoo.load(folder)


def test_the_command_imports_with_trust_code_only(folder: Path, ran: Path, tmp_path: Path) -> None:
    spoil(folder, "likelihood: bernoulli", "likelihood: acme_bad:x")
    args = ["sample", str(folder), "-n", "1", "-o", str(tmp_path / "samples.png")]
    found = CliRunner().invoke(_group, args)
    assert "which would import acme_bad" in str(found.exception) and not ran.exists()
    CliRunner().invoke(_group, [*args, "--trust-code"])
    assert ran.exists()


@pytest.mark.parametrize(
    "verb",
    [
        "enhance",
        "eval",
        "explain",
        "fit-prior",
        "interpolate",
        "latents",
        "publish",
        "reconstruct",
        "sample",
        "train",
        "traverse",
    ],
)
def test_the_option_says_what_it_does(verb: str) -> None:
    command = _group.get_command(None, verb)  # type: ignore[arg-type]
    assert command is not None and verb in VERBS
    told = next(option.help for option in command.params if option.name == "trust_code")  # type: ignore[attr-defined]
    assert "import and run" in told and "decides what runs" in told


def test_a_pkg_url_imports_no_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "acme_pkg/below").mkdir(parents=True)
    (tmp_path / "acme_pkg/__init__.py").write_text("")
    (tmp_path / "acme_pkg/below/weights").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert from_package("pkg://acme_pkg.below/weights") == tmp_path / "acme_pkg/below/weights"
    assert from_package("pkg://acme_pkg..below/weights") is None or "acme_pkg" not in sys.modules
    monkeypatch.delitem(sys.modules, "this", raising=False)
    assert from_package("pkg://this.x/y") is None
    assert not {"this", "acme_pkg"} & sys.modules.keys()

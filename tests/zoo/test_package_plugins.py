"""A package with a registry file is a plugin: it needs no hook, and its models are what the kit tests."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from vaezoo import ConformanceCase
from vaezoo.errors import ConfigError
from vaezoo.host.find import GROUP
from vaezoo.host.manager import Zoo
from vaezoo.registry.registry import Registry

PART = """
parts:
  encoder:
    {name}:
      target: "vaezoo_mlp.networks:DenseEncoder"
      config: "vaezoo_mlp.facts:DenseEncoderConfig"
      summary: Dense.
"""
MODEL = """
models:
  acme-vae: {encoder: acme, prior: normal, decoder: mlp, loss: elbo, shared: {latent_channels: 2}}
  acme-cvae: {encoder: acme, prior: normal, decoder: mlp, loss: elbo, shared: {latent_channels: 3}}
"""
CASES = """
conformance:
  - acme-vae
  - {model: acme-cvae, params: {latent_channels: 4}, cond: "acme.cases:labels"}
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an importable package with a registry file."""
    folder = tmp_path / "shed" / f"acme_{tmp_path.name}"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text('"""Acme."""\n')
    (folder / "registry.yaml").write_text(PART.format(name="acme") + MODEL)
    monkeypatch.syspath_prepend(str(folder.parent))
    return folder


def zoo_of(value: str) -> Zoo:
    return Zoo([EntryPoint("acme", value, GROUP)])


def test_a_package_with_a_registry_file_needs_no_hook(package: Path) -> None:
    zoo = zoo_of(package.name)
    assert [(p.name, p.status, p.note) for p in zoo.plugins] == [("local:acme", "ok", "")]
    assert zoo.registry.parts["encoder"].get("acme").source.file == "registry.yaml"
    assert "acme-vae" in zoo.registry.models.names()


def test_all_its_models_are_tested(package: Path) -> None:
    assert {case.model for case in zoo_of(package.name).cases["local:acme"]} == {"acme-vae", "acme-cvae"}


def test_its_file_may_say_what_is_tested(package: Path) -> None:
    with (package / "registry.yaml").open("a") as file:
        file.write(CASES)
    labels = ConformanceCase("acme-cvae", {"latent_channels": 4}, "acme.cases:labels")
    assert zoo_of(package.name).cases["local:acme"] == (ConformanceCase("acme-vae"), labels)


def test_hooks_stand_beside_the_file(package: Path) -> None:
    """A hook that says what is tested wins over the file; the file is read although no hook names it."""
    with (package / "registry.yaml").open("a") as file:
        file.write(CASES)
    (package / "plugin.py").write_text(
        "from vaezoo import ConformanceCase, hookimpl\n"
        "@hookimpl\ndef vaezoo_conformance_cases():\n    return [ConformanceCase('mlp-vae')]\n"
    )
    zoo = zoo_of(f"{package.name}.plugin")
    assert zoo.cases["local:acme"] == (ConformanceCase("mlp-vae"),) and "acme-vae" in zoo.registry.models.names()


def test_a_hook_that_names_files_is_taken_at_its_word(package: Path) -> None:
    (package / "other.yaml").write_text(PART.format(name="other"))
    (package / "plugin.py").write_text(
        "from pathlib import Path\nfrom vaezoo import hookimpl\n"
        "@hookimpl\ndef vaezoo_registry_files():\n    return [Path(__file__).with_name('other.yaml')]\n"
    )
    names = zoo_of(f"{package.name}.plugin").registry.parts["encoder"].names()
    assert "other" in names and "acme" not in names


def test_a_file_beside_a_lone_module_is_not_its(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a module of no package lies what anybody installed."""
    module = tmp_path / f"lone_{tmp_path.name}.py"
    module.write_text('"""Lone."""\n')
    (tmp_path / "registry.yaml").write_text(PART.format(name="acme"))
    monkeypatch.syspath_prepend(str(tmp_path))
    zoo = zoo_of(module.stem)
    assert "acme" not in zoo.registry.parts["encoder"].names()
    assert zoo.plugins[0].note == "it implements no hook, and its package has no registry.yaml"


def test_a_broken_file_costs_its_own_plugin(package: Path) -> None:
    (package / "registry.yaml").write_text("prats: {}\n")
    with pytest.warns(UserWarning, match="the plugin local:acme is invalid: .*unknown key 'prats'. Did you mean"):
        zoo = zoo_of(package.name)
    assert "conv-beta" in zoo.registry.models.names()


def test_a_package_in_a_folder_needs_no_plugin_file(package: Path) -> None:
    zoo = Zoo([], folders=str(package.parent))
    short = package.name.replace("_", "-")
    assert [(p.name, p.target, p.status) for p in zoo.plugins] == [(f"local:{short}", package.name, "ok")]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("{modell: acme-vae}", "line 2: unknown key 'modell'"),
        ("{params: {}}", "expected the key 'model' in each of conformance"),
        ("3", "expected each of conformance as a text or a mapping, got 3"),
    ],
)
def test_a_malformed_case_is_refused(tmp_path: Path, case: str, message: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(f"conformance:\n  - {case}\n")
    with pytest.raises(ConfigError, match=message):
        Registry("acme").add_file(path)

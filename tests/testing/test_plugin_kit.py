"""The plugin's contract can fail: each check finds the fault that it is there for; and what pytest collects by name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import pytest
from zoo.guests import PART, Guests

import vaezoo
from vaezoo import ConformanceCase, PartDeclaration
from vaezoo.core.facts import EncoderConfig
from vaezoo.errors import VaezooError
from vaezoo.host.find import GROUP
from vaezoo.host.manager import Zoo
from vaezoo.registry.declared import SLOTS
from vaezoo.testing import PluginContract

DENSE = PartDeclaration(
    "vaezoo_mlp.networks:DenseEncoder", summary="Dense.", config="vaezoo_mlp.facts:DenseEncoderConfig"
)
BODY = {"prior": "normal", "decoder": "mlp", "loss": "elbo", "encoder": "mlp", "shared": {"latent_channels": 2}}
SHELF = Path(vaezoo.__file__).parents[1].joinpath("registry.yaml").read_text(encoding="utf-8")
CARD = "weights:\n" + SHELF[SHELF.index("  mlp-seed.fashion:") :].partition("\n  mlp-style.fashion")[0]
CARD = CARD.replace("mlp-seed.fashion:", "mlp-vae.mine:", 1)


@dataclass(frozen=True)
class Silent(EncoderConfig):
    width: int = 3


def made(config: Silent) -> None:
    """Makes nothing."""


def wrong_arguments(place: str, part: Path) -> None:
    """A source that takes something else."""


@click.command()
def verb() -> None:
    """Do it."""


def called(hook: str, answer: Any) -> Callable[[Guests], Any]:
    return lambda guests: guests.saying("acme", hook, answer)


def written(text: str) -> Callable[[Guests], Any]:
    return lambda guests: guests.registering("acme", text)


PLANTED: dict[str, tuple[str, Callable[[Guests], Any], str]] = {
    "does not load": ("it_loads", written("parts: 3"), "expected parts as a mapping"),
    "other defaults": (
        "parts_have_the_parameters_of_their_facts",
        called("vaezoo_encoders", {"mine": DENSE._replace(config=None, facts="vaezoo_conv.facts:encoder")}),
        "differ in parameters or defaults",
    ),
    "another configuration": (
        "parts_have_the_parameters_of_their_facts",
        called("vaezoo_encoders", {"mine": DENSE._replace(config="vaezoo_conv.facts:ConvEncoderConfig")}),
        "is built from DenseEncoderConfig, but registered with ConvEncoderConfig",
    ),
    "a parameter nobody tells": (
        "parameters_are_documented",
        called("vaezoo_encoders", {"mine": DENSE._replace(target=made, config=Silent)}),
        r"does not say \['width'\]",
    ),
    "another slot": ("parts_fill_their_slots", called("vaezoo_decoders", {"mine": DENSE}), "DenseEncoder"),
    "no sentence": (
        "parts_fill_their_slots",
        called("vaezoo_encoders", {"mine": DENSE._replace(summary="")}),
        "has no summary of one sentence",
    ),
    "a part nobody has": (
        "models_resolve",
        called("vaezoo_models", {"mine": {**BODY, "encoder": "none"}}),
        "Expected a known encoder, got 'none'",
    ),
    "no word on the paper": (
        "models_resolve",
        called("vaezoo_models", {"mine": {**BODY, "summary": "Mine."}}),
        "lacks summary or differs",
    ),
    "a name that leads nowhere": (
        "old_names_lead_to_new_ones",
        written("renamed: {encoder: {old: none}}"),
        "'old' leads to 'none', which is none",
    ),
    "weights of no model": ("cards_are_true", written(CARD.replace("mlp-vae.m", "none.m")), "are of no model"),
    "weights of another hash": (
        "cards_are_true",
        written(re.sub(r"(\n    sha256: )\w{64}", r"\g<1>'" + "0" * 64 + "'", CARD)),
        "sha256 [0-9a-f]{64} instead of 0000",
    ),
    "a source of other arguments": (
        "what_it_serves_is_there",
        called("vaezoo_weight_sources", {"acme": wrong_arguments}),
        r"acme:// takes \['place', 'part'\] instead of url, part, size",
    ),
    "a source that is not there": (
        "what_it_serves_is_there",
        called("vaezoo_weight_sources", {"acme": "vaezoo:nothing"}),
        "attribute nothing",
    ),
    "a verb that is none": (
        "what_it_serves_is_there",
        called("vaezoo_cli_commands", {"act": (wrong_arguments, "Act.")}),
        "the verb 'act' is no click command",
    ),
    "a verb without a sentence": (
        "what_it_serves_is_there",
        called("vaezoo_cli_commands", {"act": (verb, "")}),
        "the verb 'act' has no summary of one sentence",
    ),
    "a case that cannot be": (
        "cases_can_be_built",
        called("vaezoo_conformance_cases", [ConformanceCase("mlp-vae", {"no_such": 1})]),
        "has no setting 'no_such'",
    ),
}


class Acme(PluginContract):
    plugin_name = "acme"


def check(name: str, guests: Guests, entry: Any) -> None:
    zoo = Zoo([*entry_points(group=GROUP), entry])
    (plugin,) = [p for p in zoo.plugins if p.short == "acme"]
    parts = [p for slot in SLOTS for _, owner, p in zoo.registry.parts[slot].all() if owner == plugin.name]
    given = {"zoo": zoo, "plugin": plugin, "parts": parts}
    test = getattr(Acme(), f"test_{name}")
    test(**{n: given[n] for n in test.__func__.__code__.co_varnames[1 : test.__func__.__code__.co_argcount]})


@pytest.mark.filterwarnings("ignore:vaezoo")
@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(guests: Guests, fault: str) -> None:
    name, plant, message = PLANTED[fault]
    with pytest.raises((AssertionError, VaezooError), match=message):
        check(name, guests, plant(guests))


def test_a_sound_plugin_passes(guests: Guests) -> None:
    entry = guests.registering("acme", PART.format(name="mine").rstrip() + "\n      summary: Mine.\n" + CARD)
    for name in (n.removeprefix("test_") for n in dir(PluginContract) if n.startswith("test_")):
        if name != "declaring_loads_no_torch":  # it needs a process of its own, see tests/faults/test_plugins.py
            check(name, guests, entry)


def pytest_of(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


def test_pytest_collects_a_plugin_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    names = ("--vaezoo-plugin", "conv", "--vaezoo-plugin", "vaezoo:licences")
    done = pytest_of(*names, "--collect-only", folder=tmp_path)
    for name in ("TestPluginConv::test_it_loads", "TestConv2ConvCvae::test_bound", "TestPluginLicences::test_it_loads"):
        assert name in done.stdout, done.stdout
    assert "test_own" not in done.stdout  # unless it is named too
    both = pytest_of("--vaezoo-plugin", "licences", "test_own.py", "--collect-only", folder=tmp_path).stdout
    assert "test_own.py::test_own" in both and "TestPluginLicences::test_it_loads" in both


def test_an_unknown_plugin_is_a_usage_error(tmp_path: Path) -> None:
    done = pytest_of("--vaezoo-plugin", "cnv", folder=tmp_path)
    assert done.returncode == 4
    assert "--vaezoo-plugin: expected an installed plugin of vaezoo, got 'cnv'. Did you mean 'conv'?" in done.stderr


def test_pytest_starts_without_torch(tmp_path: Path) -> None:
    (tmp_path / "test_light.py").write_text("import sys\ndef test_light(): assert 'torch' not in sys.modules\n")
    assert pytest_of("test_light.py", folder=tmp_path).returncode == 0


def test_a_check_of_models_runs_their_contracts(tmp_path: Path) -> None:
    script = "import json, sys; from vaezoo.testing.check import run; json.dump(run('conv', True), open('out', 'w'))"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, env=environment)
    checks = json.loads((tmp_path / "out").read_text())
    assert {c["subject"] for c in checks} == {"plugin", "conv-beta", "conv-cvae"} and len(checks) > 40
    assert all(c["outcome"] in ("passed", "skipped") for c in checks)

"""Things that are declared by name and target: by a registry file, a hook, or for this process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

import vaezoo
from vaezoo.core import Conditioner, Context, Noise, Posterior, Refinement
from vaezoo.core.facts import RefineFacts
from vaezoo.core.facts.builtin import ImageConditionerConfig
from vaezoo.errors import BackendUnavailable, ConfigError, DuplicateName, PluginError, UnknownName
from vaezoo.host.admit import _declared
from vaezoo.host.hookspecs import Declaration, hookimpl, manager_of
from vaezoo.host.kinds import find, names_of
from vaezoo.registry.kinds import KINDS
from vaezoo.registry.parameters import parameters_of
from vaezoo.registry.registry import Registry


def zoo_of(registry: Registry) -> Any:
    return SimpleNamespace(registry=registry)


@pytest.mark.parametrize("kind", KINDS)
def test_a_registry_file_declares_each_kind(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "registry.yaml"
    file.write_text(f"{KINDS[kind].section}:\n  mine: {{target: 'math:hypot', summary: A thing.}}\n")
    registry = Registry("acme")
    registry.add_file(file)
    import math

    assert names_of(kind, zoo_of(registry)) == ["mine"] and find(kind, "mine", zoo_of(registry)) is math.hypot
    with pytest.raises(UnknownName, match=f"Expected a known {kind}, got 'mien'"):
        find(kind, "mien", zoo_of(registry))


def test_a_hook_declares() -> None:
    plugin = SimpleNamespace(__name__="acme")

    @hookimpl
    def vaezoo_declarations() -> list[Declaration]:
        return [Declaration("metric", "gap", "math:dist", "How far.")]

    plugin.vaezoo_declarations = vaezoo_declarations
    registry, _ = _declared(manager_of(plugin, "acme"), "acme", None)
    assert registry.kinds["metric"].get("gap").summary == "How far."


@dataclass(frozen=True)
class StillConfig:
    """Parameters of :class:`Still`."""

    def facts(self) -> RefineFacts:
        return RefineFacts(frozenset({"gaussian"}))


class Still(Refinement):
    """Moves the mean by one."""

    def __init__(self, config: StillConfig) -> None:
        super().__init__()

    def forward(
        self, belief: Posterior, log_joint: Any, k: int = 1, noise: Noise | None = None, *, stride: int = 1
    ) -> tuple[Tensor, Tensor]:
        z = belief.mean.expand(k, *belief.mean.shape) + 1
        return z, belief.log_prob(z)


def test_a_hook_declares_parts_of_any_slot() -> None:
    @hookimpl
    def vaezoo_declarations() -> list[Declaration]:
        config = "vaezoo.core.facts.builtin:ImageConditionerConfig"
        return [
            Declaration("conditioner", "seen", "vaezoo.core:ImageConditioner", "The image.", config),
            Declaration("refine", "still", Still, "Moves the mean by one."),
        ]

    plugin = SimpleNamespace(__name__="acme", vaezoo_declarations=vaezoo_declarations)
    registry, _ = _declared(manager_of(plugin, "acme"), "acme", None)
    seen, still = registry.parts["conditioner"].get("seen"), registry.parts["refine"].get("still")
    assert seen.summary == "The image." and list(parameters_of(seen)) == ["image_channels"]
    assert still.config is StillConfig and still.source.owner == "acme"


def test_conditioners_and_refinements_are_registered_for_this_process_and_used_by_name() -> None:
    @vaezoo.register_conditioner("kinds-seen", summary="The image.")
    class Seen(Conditioner):
        def __init__(self, config: ImageConditionerConfig) -> None:
            super().__init__()

        def forward(self, y: Tensor, cond: Mapping[str, Tensor]) -> Context:
            return Context(len(y), (y.shape[2], y.shape[3]), image=y)

    vaezoo.register_refinement("kinds-still", Still, summary="Moves the mean by one.")
    model = vaezoo.create("hvae", refine="kinds-still", seed=0)
    found = model.reconstruct(x := torch.rand(2, 1, 28, 28))
    z = model.encode(x).mean + 1  # type: ignore[union-attr]
    torch.testing.assert_close(found, model.decode(z).image)
    shared = {"image_channels": 1, "latent_channels": 2}
    body = {"encoder": "conv", "prior": "normal", "decoder": "conv", "loss": "elbo", "shared": shared}
    vaezoo.register_model("kinds-model", {**body, "conditioner": "kinds-seen"})
    assert type(vaezoo.create("kinds-model", seed=0).conditioner) is Seen
    with pytest.raises(ConfigError, match="The refine 'kinds-none': expected either its config or its facts"):
        vaezoo.register_refinement("kinds-none", lambda: None)


def test_a_name_is_registered_for_this_process_and_anew() -> None:
    @vaezoo.register_metric("kinds-gap", summary="How far.")
    def gap(a: float, b: float) -> float:
        return a - b

    assert find("metric", "kinds-gap") is gap
    vaezoo.register_metric("kinds-gap", max)
    assert find("metric", "kinds-gap") is max


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [("Gap", "math:dist", "lower case words"), ("gap", 5, "Expected the target of the metric 'gap' as a function")],
)
def test_what_cannot_be_registered(name: str, target: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        vaezoo.register_metric(name, target)


def test_a_kind_that_is_none() -> None:
    with pytest.raises(ConfigError, match="Expected a kind, got 'matric'"):
        Registry("acme").add("matric", "gap", "math:dist")


def test_an_owner_has_a_name_once() -> None:
    registry = Registry("acme")
    registry.add("metric", "gap", "math:dist")
    with pytest.raises(DuplicateName, match="'gap'"):
        registry.add("metric", "gap", "math:hypot")


def test_what_cannot_be_imported_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kinds_exits.py").write_text("raise SystemExit(9)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = Registry("acme")
    registry.add("metric", "gone", "no_such_package:gap")
    registry.add("metric", "exits", "kinds_exits:gap")
    with pytest.raises(BackendUnavailable, match="no_such_package"):
        find("metric", "gone", zoo_of(registry))
    with pytest.raises(PluginError, match="'exits' of acme"):
        find("metric", "exits", zoo_of(registry))
    assert "kinds_exits" not in sys.modules

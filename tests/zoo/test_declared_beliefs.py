"""Kinds of belief that plugins bring: through the one door, under the guard, as installed distributions."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import vaezoo
from vaezoo.core import believe
from vaezoo.core.beliefs import BeliefKind, belief_kind
from vaezoo.core.beliefs.kinds import full_gaussian
from vaezoo.core.facts import check_belief
from vaezoo.errors import BackendUnavailable, ConfigError, DuplicateName, PluginError
from vaezoo.host.beliefs import find_belief
from vaezoo.host.manager import Zoo

from .guests import distribution

BELIEF = """
from vaezoo.core.beliefs import BeliefKind
def points():
    return BeliefKind("dirac", lambda d: d, "vaezoo.core.beliefs.posterior:Dirac")
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of distributions that this process sees."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("acme"):
            del sys.modules[name]


def old_way(site: Path, name: str, source: str, plugin: str = "", belief: str = "points") -> None:
    """Writes a distribution that declares a belief by an entry point, as was the way before registry files."""
    distribution(site, name, source)
    info = next(site.glob(f"{name.replace('-', '_')}-*.dist-info"))
    (info / "entry_points.txt").write_text(f"{plugin}\n[vaezoo.beliefs]\n{belief} = {name.replace('-', '_')}:points\n")


def test_a_belief_is_registered_for_this_process_and_anew() -> None:
    vaezoo.register_belief("declared-points", full_gaussian)
    assert check_belief("declared-points") == "density"

    @vaezoo.register_belief("declared-points", summary="Points.")
    def points() -> BeliefKind:
        return BeliefKind("dirac", lambda d: d, "vaezoo.core.beliefs.posterior:Dirac")

    assert check_belief("declared-points") == "dirac"
    assert torch.equal(believe(torch.ones(1, 3), "declared-points").mean, torch.ones(1, 3))
    assert belief_kind("declared-points") is belief_kind("declared-points")


def exits() -> BeliefKind:
    raise SystemExit(9)


def number() -> int:
    return 5


def test_a_belief_that_exits_ends_nothing() -> None:
    vaezoo.register_belief("declared-exits", exits)
    with pytest.raises(PluginError, match=r"'declared-exits' of user cannot be used: it called exit\(9\)"):
        vaezoo.create("mlp-vae", encoder={"belief": "declared-exits"})
    vaezoo.register_belief("declared-number", number)
    with pytest.raises(ConfigError, match="to be a BeliefKind, got 5"):
        check_belief("declared-number")


def test_a_posterior_that_exits_when_imported_ends_nothing(site: Path) -> None:
    (site / "acme_posterior.py").write_text("raise SystemExit(9)")
    vaezoo.register_belief("declared-late", lambda: BeliefKind("dirac", lambda d: d, "acme_posterior:Point"))
    with pytest.raises(BackendUnavailable, match="'declared-late' needs acme_posterior:Point, which fails with Sys"):
        believe(torch.ones(1, 3), "declared-late")


def test_a_plugin_that_is_left_out_brings_no_belief(site: Path) -> None:
    registry = "beliefs: {points: {target: 'acme_dots:points', summary: Points.}}"
    distribution(site, "acme-dots", BELIEF, registry=registry)
    assert find_belief("points", Zoo())().fact == "dirac"
    with pytest.raises(ConfigError, match=r"Expected belief to be one of .* got 'points'"):
        find_belief("points", Zoo(disabled=frozenset({"acme-dots"})))


def test_an_entry_point_still_declares_and_warns(site: Path) -> None:
    old_way(site, "acme-old", BELIEF)
    with pytest.warns(DeprecationWarning, match="belief 'points' of acme-old:points should be declared in a registry"):
        assert find_belief("points", Zoo())().fact == "dirac"


@pytest.mark.parametrize("names", ["acme-old:points", "points", "acme-old:old"])
def test_an_entry_point_of_what_is_disabled_is_not_loaded(site: Path, names: str) -> None:
    source = "from pathlib import Path\nPath(__file__).with_suffix('.ran').touch()\n" + BELIEF
    plugin = "[vaezoo.plugins]\nold = acme_plugin\n" if names.endswith("old") else ""
    old_way(site, "acme-old", source, plugin)
    (site / "acme_plugin.py").touch()
    with pytest.raises(ConfigError, match="got 'points'"):
        find_belief("points", Zoo(disabled=frozenset({names})))
    with pytest.raises(ConfigError, match="got 'points'"):
        find_belief("points", Zoo(only=frozenset()))
    assert not (site / "acme_old.ran").exists()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert find_belief("points", Zoo())().fact == "dirac"
    assert (site / "acme_old.ran").exists()


def test_an_entry_point_that_exits_ends_nothing(site: Path) -> None:
    old_way(site, "acme-old", "import sys; sys.exit(9)")
    with (
        pytest.warns(DeprecationWarning),
        pytest.raises(PluginError, match=r"'points' of acme-old:points .*exit\(9\)"),
    ):
        find_belief("points", Zoo())


def test_a_name_that_two_claim_is_nobodys(site: Path) -> None:
    old_way(site, "acme-one", BELIEF)
    old_way(site, "acme-two", BELIEF)
    zoo = Zoo()
    with (
        pytest.warns(DeprecationWarning),
        pytest.raises(DuplicateName, match="claimed by acme-one:points and acme-tw"),
    ):
        find_belief("points", zoo)


def test_the_houses_entry_points_are_no_way_around_what_is_disabled(site: Path) -> None:
    info = site / "vaezoo-0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vaezoo\nVersion: 0.0\n")
    (info / "entry_points.txt").write_text("[vaezoo.beliefs]\nvmf = vaezoo_sphere.facts:vmf\n")
    with pytest.raises(ConfigError, match="got 'vmf'"):
        find_belief("vmf", Zoo([]))

"""The rules of the house, as tests."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
GUESTS = [p for p in (ROOT / "plugins").rglob("*.py") if "tests" not in p.parts]
SOURCES = sorted([*(ROOT / "vaezoo").rglob("*.py"), *GUESTS])

HEAVY = ("torch", "timm", "torchvision", "PIL")
FORBIDDEN = {"gt", "hq", "lq", "inp", "recon_x", "mu", "log_var", "lv", "latent_sample", "kld"}
FORBIDDEN |= {"reg_loss", "recon_loss", "cost", "lmbda", "kl_weight", "embed_ind", "ds"}
"""The column "never" of the naming table; ``f``, ``out`` and ``std`` also have other, good meanings."""
ANOTHER_COST = {"inspection/explanation.py", "cli/explained.py", "cli/listing.py"}
"""Files in which the cost is what a model takes to run; an objective is a ``loss`` there too."""
PUBLISHED = {"vaezoo.core", "vaezoo.core.facts", "vaezoo.core.beliefs", "vaezoo.errors", "vaezoo.image"}
PUBLISHED |= {"vaezoo.image.compression.intervals", "vaezoo.image.resize", "vaezoo.restore"}
"""Packages whose names plugins may import, beside ``vaezoo`` itself."""
ALIASES = {"LogJoint"}
"""Published names of types, which cannot have a docstring."""
LONGEST = 350
"""Lines of a file, of the house or of a plugin."""
FORBIDDEN_FILES = {"utils.py", "helpers.py", "common.py", "misc.py"}

named = pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def in_testing(path: Path) -> bool:
    return path.is_relative_to(ROOT / "vaezoo" / "testing")


def test_layers() -> None:
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_plugins_know_vaezoo_and_not_each_other() -> None:
    names = sorted(path.name for path in (ROOT / "plugins").glob("vaezoo_*"))
    graph = grimp.build_graph("vaezoo", *names, cache_dir=str(ROOT / ".import_linter_cache"))
    found = graph.find_illegal_dependencies_for_layers([grimp.Layer(*names, independent=True), "vaezoo"])
    assert not found, [f"{each.importer} imports {each.imported}" for each in found]


def test_every_plugin_has_an_entry_point_and_needs_no_other_line() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for path in (ROOT / "plugins").glob("vaezoo_*"):
        lines = [line for line in text.splitlines() if re.search(rf"\b{path.name}\b", line)]
        assert len(lines) == 1, f"{path.name}: {lines}"
        assert re.fullmatch(rf'[a-z-]+ = "{path.name}(\.plugin)?"', lines[0]), lines


@pytest.mark.parametrize(
    "statement",
    [
        "import vaezoo",
        "import vaezoo.cli.main",
        "import vaezoo; vaezoo.list_models(); vaezoo.plugins()",
        "import vaezoo; [vaezoo.model_info(name) for name in vaezoo.list_models()]",
        "import vaezoo.testing, vaezoo.testing.collection",
        "import vaezoo; [vaezoo.explain(name) for name in vaezoo.list_models()]",
        "from vaezoo.cli.enhance import enhance; enhance(['--help'], standalone_mode=False)",
    ],
)
def test_looking_loads_nothing_heavy(statement: str) -> None:
    script = f"import sys; {statement}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().rpartition("\n")[2] == "[]"


def test_the_front_door_is_whole() -> None:
    import vaezoo
    import vaezoo.core

    for package in (vaezoo, vaezoo.core):
        assert set(package.__all__) <= set(dir(package))
        assert all(getattr(package, name).__doc__ for name in package.__all__ if name not in ALIASES)
        with pytest.raises(AttributeError, match="nothing"):
            _ = package.nothing


@named
def test_users_meet_no_assert(path: Path) -> None:
    """An assertion is for tests: a user's mistake has a named error."""
    found = [node.lineno for node in ast.walk(tree(path)) if isinstance(node, ast.Assert)]
    assert in_testing(path) or not found, f"assert at lines {found}"


@named
def test_a_file_is_a_room(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST
    assert path.name not in FORBIDDEN_FILES
    assert ast.get_docstring(tree(path)), "it does not say what is here"


def identifiers(module: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name, node.lineno


@named
def test_one_name_for_one_thing(path: Path) -> None:
    other = {"cost"} if path.relative_to(path.parents[1]).as_posix() in ANOTHER_COST else set()
    found = [(name, line) for name, line in identifiers(tree(path)) if name in FORBIDDEN - other]
    assert not found, f"docs/naming.md has other names for {found}"


def bases(node: ast.ClassDef) -> set[str]:
    return {ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases}


@named
def test_abstract_or_final(path: Path) -> None:
    """No abstract class has an __init__, but `CONFIGURED`; one that fills a slot, or is a module, is final."""
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.ClassDef) or in_testing(path):
            continue
        methods = {
            m.name: {ast.unparse(d) for d in m.decorator_list} for m in node.body if isinstance(m, ast.FunctionDef)
        }
        final = "final" in {ast.unparse(d) for d in node.decorator_list}
        if any("abstractmethod" in marks for marks in methods.values()):
            made = "__init__" in methods and (str(path.relative_to(ROOT)), node.name) not in CONFIGURED
            assert not made and not final, f"{node.name} is abstract, and has an __init__ or is final"
        elif bases(node) & {"Module", *PARTS}:
            assert final, f"{node.name} is concrete, but not final"


CONFIGURED = {("vaezoo/core/encoder.py", "Encoder"), ("vaezoo/core/decoder.py", "Decoder")}
"""Their ``__init__`` takes channels and stride from the configuration, so that no part has to."""


PARTS = (
    "Encoder",
    "Decoder",
    "Prior",
    "FlatPrior",
    "Level",
    "Conditioner",
    "Loss",
    "Posterior",
    "Likelihood",
    "Refinement",
)


def test_guests_import_published_names_only() -> None:
    """A plugin imports what is published: names that a package lists, and errors."""
    for path in GUESTS:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vaezoo."):
                assert node.module in PUBLISHED, f"{path.name} imports {node.module}"
                published = import_module(node.module)
                names = getattr(published, "__all__", None) or [n for n in vars(published) if not n.startswith("_")]
                assert {alias.name for alias in node.names} <= set(names), f"{path.name}: {node.module}"


def test_a_loss_states_its_facts_as_keywords_of_its_configuration() -> None:
    """A method ``facts`` is for facts that depend on the parameters."""
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef) and node.name == "facts" and path.name != "config.py":
                losses = "LossFacts" in ast.unparse(node.returns or node)
                used = any(isinstance(each, ast.Name) and each.id == "self" for each in ast.walk(node))
                assert not losses or used, f"{path.name}, line {node.lineno}: say it as class C(LossConfig, ...)"

"""A stranger's task: declared by a distribution beside ours, used by name, with its options; and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vaezoo
from vaezoo.errors import ConfigError, PluginError, UnknownName
from vaezoo.image import read_picture
from vaezoo.restore.enhanced import choose_task
from vaezoo.restore.task import make_task, task_class

ROOT = Path(__file__).parents[2]
TASK = '''
"""Brings back colours that have faded."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import torch
from vaezoo.restore import Example, Task


def read_tint(path):
    return [float(word) for word in Path(path).read_text().split()]


@dataclass(frozen=True)
class Unfade(Task):
    """Denoises, then multiplies the colours.

    Attributes:
        gain: Factor of the colours. Above 1 they grow.
        order: What comes first.
        tile: Side of a field of its own, pixels.
        soft: Softness at the ends.
        tint: Weights of the channels, as a file of numbers.
    """

    gain: float = 1.5
    order: Literal["denoise", "colours"] = "denoise"
    tile: int = 3
    soft: bool = True
    tint: list | None = field(default=None, metadata={"read": "acme_unfade.task:read_tint"})

    name: ClassVar[str] = "unfade"
    model: ClassVar[str] = "denoise-small"
    data: ClassVar[str] = "kodak24"
    word: ClassVar[str] = "fade"
    unit: ClassVar[str] = "share of the colours that is left"
    levels: ClassVar[tuple[float, ...]] = (0.5,)

    def restore(self, restorer, y, progress=None):
        found = restorer(y, progress)
        gray = found.image.mean(1, keepdim=True)
        tint = 1 if self.tint is None else torch.tensor(self.tint)[None, :, None, None]
        image = (gray + self.gain * tint * (found.image - gray)).clamp(0, 1)
        return found._replace(image=image, facts={"told": [self.order, self.tile, self.soft]})

    @classmethod
    def example(cls, x, level, index):
        gray = x.mean(1, keepdim=True)
        return Example(x, gray + level * (x - gray), cls(1 / level))
'''


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of a distribution that is not installed."""
    folder = tmp_path_factory.mktemp("site") / "vaezoo-unfade"
    package = folder / "acme_unfade"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('"""Colours."""\n')
    (package / "task.py").write_text(TASK)
    (package / "registry.yaml").write_text(
        "tasks:\n  unfade: {target: 'acme_unfade.task:Unfade', summary: Brings back faded colours.}\n"
        "models:\n  painter: {summary: Paints., differs: All., task: inpaint, encoder: conv, prior: normal, "
        "decoder: conv, loss: elbo, shared: {latent_channels: 4, image_channels: 3}}\n"
    )
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "vaezoo-unfade"\nversion = "1"\n'
        '[project.entry-points."vaezoo.plugins"]\nunfade = "acme_unfade"\n'
    )
    return folder


def run(stranger: Path, *words: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "VAEZOO_STRICT_PLUGINS": "1", "VAEZOO_PLUGIN_PATH": str(stranger)}
    command = [sys.executable, "-m", "vaezoo", *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of a photo, as a file."""
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    Image.open(ROOT / "docs/figures/denoise.jpg").convert("RGB").crop((40, 40, 168, 136)).save(path)
    return path


def colour(path: Path) -> float:
    pixels = read_picture(path).pixels.astype(float)
    return float(np.abs(pixels - pixels.mean(2, keepdims=True)).mean())


def test_a_strangers_task_enhances_a_photo_by_name_and_with_its_options(stranger: Path, photo: Path) -> None:
    grown, kept = photo.with_name("grown.png"), photo.with_name("kept.png")
    done = run(stranger, "enhance", photo, "--task", "unfade", "-o", grown, "--gain", 2, "--order", "colours")
    assert done.returncode == 0, done.stderr
    tint = photo.with_name("tint.txt")
    tint.write_text("1 1 1")
    words = ("--gain", 1, "--unfade-tile", 7, "--no-soft", "--tint", tint, "--json")
    done = run(stranger, "enhance", photo, "--task", "unfade", "-o", kept, *words)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["images"][0]["told"] == ["denoise", 7, False]
    assert colour(grown) > 1.5 * colour(kept) > 0


def test_its_help_says_what_its_docstring_says(stranger: Path) -> None:
    said = " ".join(run(stranger, "enhance", "--task", "unfade", "--help").stdout.split())
    assert "Options of the task unfade: --gain FLOAT Factor of the colours. Default: 1.5. --order" in said
    assert "[denoise|colours]" in said and "--soft / --no-soft" in said and "--luma" not in said


def test_help_without_a_task_lists_the_tasks(stranger: Path) -> None:
    said = " ".join(run(stranger, "enhance", "--help").stdout.split())
    assert "Tasks: blind-deblur" in said and "unfade Brings back faded colours." in said and "--gain" not in said
    assert "vaezoo enhance --task NAME --help shows the options of a task." in said
    assert "Options of the task denoise:" in run(stranger, "enhance", "--model", "denoise", "--help").stdout


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (("--gain", "much"), "'much' is not a valid float", 2),
        (("--order", "none"), "'none' is not one of", 2),
        (("--factor", 2), "The task 'unfade' has no option 'factor': it takes gain, order, tile, soft, tint.", 2),
        (("--gian", 2), "No such option '--gian'", 2),
    ],
)
def test_bad_options_are_refused(stranger: Path, photo: Path, words: tuple[Any, ...], message: str, code: int) -> None:
    done = run(stranger, "enhance", photo, "--task", "unfade", *words)
    assert done.returncode == code and message in done.stderr and "Traceback" not in done.stderr


def test_it_is_listed_and_shown(stranger: Path) -> None:
    assert "vaezoo-unfade:unfade  Brings back faded colours." in run(stranger, "list", "--kind", "tasks").stdout
    assert "Factor of the colours." in run(stranger, "info", "task/unfade").stdout


def test_a_model_for_a_task_that_nobody_declares_is_refused_by_name(stranger: Path, photo: Path) -> None:
    done = run(stranger, "enhance", photo, "--model", "painter")
    assert done.returncode == UnknownName.exit_code, done.stderr
    assert "The model 'painter' is for the task 'inpaint', which is not declared." in done.stderr
    assert not photo.with_name("photo.enhanced.png").exists()


def test_so_is_one_that_is_registered_and_given_as_an_object() -> None:
    body = {"encoder": "conv", "prior": "normal", "decoder": "conv", "loss": "elbo", "task": "inpaint"}
    vaezoo.register_model("stranger-painter", {**body, "shared": {"latent_channels": 2, "image_channels": 3}})
    model = vaezoo.create("stranger-painter", seed=0)
    for given in ("stranger-painter", model):
        with pytest.raises(UnknownName, match="'stranger-painter' is for the task 'inpaint', which is not declared"):
            choose_task(None, given)
    assert choose_task("denoise", model).name == "denoise"  # the user's word goes


def test_what_is_declared_as_a_task_and_is_none() -> None:
    vaezoo.register_task("stranger-none", dict, summary="None.")
    with pytest.raises(PluginError, match="Expected the task 'stranger-none' as a dataclass that inherits"):
        task_class("stranger-none")


def test_a_value_of_another_type_is_refused_where_the_task_itself_does_not_look() -> None:
    for options, message in (
        ({"project": "yes"}, "Expected project as a flag, got 'yes'"),
        ({"project": 1}, "Expected project as a flag, got 1"),
    ):
        with pytest.raises(ConfigError, match=message):
            make_task("dejpeg", **options)
    assert make_task("dejpeg", project=np.True_).project  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["denoise", "dejpeg", "sr", "deblur", "blind_deblur", "lowlight"])
def test_the_old_module_of_a_task_warns_with_the_new_one(name: str) -> None:
    sys.modules.pop(f"vaezoo.restore.tasks.{name}", None)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        old = import_module(f"vaezoo.restore.tasks.{name}")
    new = task_class(name.replace("_", "-"))
    assert getattr(old, new.__name__) is new
    assert any(f"vaezoo.restore.tasks.{name} is {new.__module__} now" in str(one.message) for one in told)
    with pytest.raises(ModuleNotFoundError, match=r"vaezoo\.restore\.tasks\.inpaint"):
        import_module("vaezoo.restore.tasks.inpaint")


def test_old_names_of_the_module_of_tasks_warn() -> None:
    from vaezoo.restore import task

    with pytest.warns(DeprecationWarning, match="names_of"):
        assert "denoise" in task.HOMES
    with pytest.warns(DeprecationWarning, match="whole_level"):
        assert task.whole(3.0, "factor") == 3


def test_a_first_party_task_is_known_to_few_files_beside_its_own() -> None:
    """What adding one touches beside its folder, the tests, the docs, and the benchmarks that compare it with others.

    Here: its model and weights, the model's network, the recipe, the damage of training (two files), its entry point.
    """
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("needs a git checkout")
    own = ("plugins/vaezoo_lowlight/", "tests/", "docs/", "README.md", "CHANGELOG.md", "benchmarks/")
    files = [ROOT / name for name in tracked.stdout.splitlines() if not name.startswith(own)]
    text = [path for path in files if path.is_file() and path.suffix in {".py", ".pyi", ".yaml", ".toml", ".in", ".md"}]
    found = [str(p.relative_to(ROOT)) for p in text if "lowlight" in p.read_text(encoding="utf-8")]
    assert len(found) <= 6, found

"""What the docs say is run: their Python, their links, their generated parts."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

import vaezoo

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"```python\n(.*?)```", re.S)


def blocks(page: str) -> list[str]:
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def test_the_readme_runs():
    for block in blocks("README.md"):
        exec(block, {})


def test_the_article_runs():
    for block in blocks("docs/from-the-article.md"):
        exec(block, {})


def test_the_page_on_weights_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for block in blocks("docs/weights.md"):
        exec(block, {})


def test_the_page_on_training_runs_and_tells_every_key(tmp_path, monkeypatch):
    from PIL import Image

    from benchmarks import recipes

    page = recipes.PAGE.read_text(encoding="utf-8")
    assert recipes.between(page, "keys", recipes.table()) == page, "run python -m benchmarks.recipes"
    assert all(meaning for _, _, meaning in recipes.described())
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    Image.linear_gradient("L").convert("RGB").save("photos/one.png")
    for block in blocks("docs/train.md"):
        exec(block, {})
    listed = page.partition("<!-- keys")[0]
    found = {path.name + "/" * path.is_dir() for path in Path("runs/mine").glob("[!.]*")}
    assert found == set(re.findall(r"^\| `(\S+[./]\S*)` \|", listed, re.M))
    assert vaezoo.load("runs/mine/model").origin.spec.parts["conditioner"].arguments["blocks"] == 2


SMALL = "data.patch=40 batch=2 optimizer.warmup=1 precision=fp32 machine.channels_last=false"


def test_the_tutorial_on_pairs_runs(tmp_path, monkeypatch):
    """In a shell, on made-up pairs, with small patches and two steps instead of thousands."""
    import json
    import subprocess

    import numpy as np
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    sidd = "SIDD_Medium_Srgb/Data/0001_001_S6_00100_00060_3200_L/0001_{}_SRGB_010.PNG"
    files = ["noisy/a.png clean/a.png", "noisy-valid/b.png clean-valid/b.png", f"{sidd} {sidd}".format("NOISY", "GT")]
    for noisy, clean in map(str.split, files):
        x = np.kron(rng.integers(30, 220, (8, 8, 3)), np.ones((12, 12, 1)))
        for file, level in ((noisy, 15), (clean, 0)):
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((x + level * rng.standard_normal(x.shape)).clip(0, 255).astype(np.uint8)).save(file)
    Image.open("noisy/a.png").save("photo.jpg")
    command = tmp_path / "bin/vaezoo"
    command.parent.mkdir()
    command.write_text(
        f'#!/bin/bash\n[ "$1" = train ] && set -- "$@" {SMALL}\n'
        f'set -- "${{@/steps=2000/steps=2}}"; [[ "$*" == *sidd* ]] && set -- "$@" steps=2\n'
        f'exec {sys.executable} -m vaezoo "$@"\n'
    )
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    section = (ROOT / "docs/train.md").read_text(encoding="utf-8").partition("## Train on pairs of your own")[2]
    for block in re.findall(r"```sh\n(.*?)```", section.partition("\n## ")[0], re.S):
        done = subprocess.run(["bash", "-ec", block], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert Path("photo.enhanced.jpg").is_file()
    for run, steps in (("denoise-photo-smoke", 10), ("denoise-photo", 2), ("sidd", 2)):
        record = json.loads(Path(f"runs/{run}/first/run.json").read_text())
        assert record["steps"] == steps and [data["images"] for data in record["data"]] == [1, 1]
    assert record["recipe"]["warm_start"] == "denoise"


@pytest.fixture
def tutorial(tmp_path, monkeypatch):
    """The tutorial's files, each written where its first line says."""
    page = (ROOT / "docs/add-a-model.md").read_text(encoding="utf-8")
    for kind in ("python", "yaml"):
        for block in re.findall(rf"```{kind}\n# (vaezoo_blur/\S+)\n(.*?)```", page, re.S):
            path = tmp_path / block[0]
            path.parent.mkdir(exist_ok=True)
            path.write_text(block[1], encoding="utf-8")
    (tmp_path / "vaezoo_blur/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [n for n in sys.modules if n.startswith("vaezoo_blur")]:
        del sys.modules[name]


def test_the_tutorial_ends_in_a_working_plugin(tutorial):
    from importlib.metadata import EntryPoint, entry_points

    import torch

    import vaezoo
    from vaezoo.host.manager import Zoo

    plugin = EntryPoint("blur", "vaezoo_blur", "vaezoo.plugins")
    zoo = Zoo([*entry_points(group="vaezoo.plugins"), plugin], strict=True)
    model = vaezoo.create(
        "conv-beta", encoder={"name": "blur", "width": 4}, decoder={"widths": [8], "gather": 2}, zoo=zoo
    )
    assert model.restore(torch.rand(2, 1, 9, 7)).image.shape == (2, 1, 9, 7)
    assert model.encode(torch.rand(2, 1, 9, 7)).mean.shape == (2, 16, 3, 2)


def test_the_tutorial_without_code_runs():
    from vaezoo.host.manager import current_zoo

    try:
        for block in [b for b in blocks("docs/add-a-model.md") if "vaezoo_blur" not in b]:
            exec(block, {})
        import vaezoo

        assert vaezoo.create("conv-mixture").prior.means.shape == (8, 8)
    finally:
        current_zoo().registry.models.entries.pop("conv-mixture", None)


def test_the_shelf_is_the_registrys():
    from benchmarks.pages.readme import renewed

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert renewed(text) == text, "run python -m benchmarks.pages.readme"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_explained_example_is_what_is_printed(monkeypatch):
    """Up to line numbers and versions, which change with every edit above them, and whatever the environment says."""
    from benchmarks.pages.explained import PAGE, renewed

    monkeypatch.setenv("VAEZOO_PEERS", "/somewhere")
    text = PAGE.read_text(encoding="utf-8")
    told, now = (re.sub(r"(?<=\.(?:py|ml):)\d+|\d+\.\d+\.\d+|(?<=yaml:)\d+", "…", t) for t in (text, renewed(text)))
    assert told == now, "run python -m benchmarks.pages.explained"

"""docs/figures.md: its commands are those of its figures, and one of them is run again."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from vaezoo.cli import main
from vaezoo.cli.main import VERBS, _group

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "figures.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line)[1:] for line in PAGE.splitlines() if line.startswith("vaezoo ")]


def test_every_figure_has_its_command_and_is_small() -> None:
    shown = re.findall(r"!\[[^]]+\]\((figures/\S+)\)", PAGE)
    assert shown == [words[words.index("-o") + 1] for words in COMMANDS]
    assert {words[0] for words in COMMANDS} == {"sample", "reconstruct", "traverse", "interpolate", "latents"}
    sizes = [(DOCS / figure).stat().st_size for figure in shown]
    assert max(sizes) < 80_000 and sum(sizes) < 400_000


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_verbs_take_the_words(words: list[str]) -> None:
    assert words[0] in VERBS
    verb = _group.get_command(click.Context(_group), words[0])
    assert verb is not None and verb.make_context(words[0], words[1:]).params["name"] == words[1]


def test_the_samples_are_what_the_command_draws(tmp_path: Path) -> None:
    words = COMMANDS[0]
    main_words = [*words[:-1], str(tmp_path / "a.png")]
    with pytest.raises(SystemExit) as ended:
        main(main_words)
    assert not ended.value.code
    told, now = (np.asarray(Image.open(path)).astype(int) for path in (DOCS / words[-1], tmp_path / "a.png"))
    assert told.shape == now.shape and np.abs(told - now).max() <= 2


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(block, {})
    assert Image.open("traversal.png").size[0] > 5 * 84

"""``python -m benchmarks.pages.explained``: writes the example in docs/explain.md."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "explain.md"
EXAMPLE = re.compile(r"(?<=```console\n).*?(?=```)", re.S)
ARGUMENTS = ("explain", "denoise", "loss.beta=0.5", "--size", "64x64", "--cost")


def example() -> str:
    """Returns a command and what it prints."""
    from click.testing import CliRunner

    from vaezoo.cli.main import _group
    from vaezoo.inspection.origins import environment

    unset = dict.fromkeys(environment())  # the page shows no machine's own settings
    answer = CliRunner().invoke(_group, ARGUMENTS, env=unset, catch_exceptions=False)
    return f"$ vaezoo {' '.join(ARGUMENTS)}\n{answer.stdout}"


def renewed(text: str) -> str:
    """Returns the page with what the command prints now."""
    return EXAMPLE.sub(lambda _: example(), text)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

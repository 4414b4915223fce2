"""What a download costs those who do not download, and what it shows those who do."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from vaezoo.store import progress
from vaezoo.zoo.weights import locate

from .conftest import card
from .server import Faults


def test_looking_loads_no_network() -> None:
    script = "import sys, vaezoo, vaezoo.zoo.weights, vaezoo.cli.cache; vaezoo.list_models()\n"
    script += "print([n for n in ('urllib3', 'torch', 'ssl', 'rich', 'huggingface_hub') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("terminal", "after_s", "shown"), [(True, -1, True), (False, -1, False), (True, 99, False)])
def test_a_bar_for_what_takes_long_on_a_terminal(
    server: Faults, monkeypatch: pytest.MonkeyPatch, terminal: bool, after_s: float, shown: bool
) -> None:
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "AFTER_S", after_s)
    locate(card(server.at("good")))
    assert ("w.safetensors" in stream.getvalue()) == shown
    assert shown or not stream.getvalue()

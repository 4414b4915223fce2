"""What a run says: means of what came, a line or a bar."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from vaezoo.train.journal import Journal, Tally


def test_a_report_that_does_not_come_at_every_step_has_its_own_mean() -> None:
    tally = Tally()
    tally.add({"loss": torch.tensor(1.0), "rate": torch.tensor(5.0)})
    tally.add({"loss": torch.tensor(2.0), "rate_bpp": torch.tensor(math.nan)})
    assert tally.empty() == {"loss": 1.5, "rate": 5.0} and tally.empty() == {}


@pytest.mark.parametrize("terminal", ["0", "1"])
def test_the_log_is_the_same_with_and_without_a_terminal(
    terminal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", terminal)
    journal = Journal(tmp_path, total=4, fresh=True)
    journal.write("train", 2, loss=0.123456)
    journal.write("skipped", 3, cause="term rate is inf")
    journal.close()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines == [
        {"event": "train", "step": 2, "loss": 0.123456},
        {"event": "skipped", "step": 3, "cause": "term rate is inf"},
    ]
    shown = capsys.readouterr().err
    assert "skipped 3: cause term rate is inf" in shown and "loss 0.1235" in shown
    assert ("train 2: loss" in shown) == (terminal == "0")

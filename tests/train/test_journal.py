"""What a run says: means of what came, a line or a bar."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest
import torch

from vaezoo.errors import BackendUnavailable
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


def test_tensorboard_has_the_numbers_of_the_log(tmp_path: Path) -> None:
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for loss, fresh in ((9.0, True), (1.0, True), (0.5, False)):  # a fresh run forgets the old one
        journal = Journal(tmp_path, total=4, fresh=fresh, tensorboard=True)
        journal.write("train", 2 if fresh else 4, loss=loss, note="no number")
        journal.close()
    read = events.EventAccumulator(str(tmp_path)).Reload()
    assert read.Tags()["scalars"] == ["train/loss"]
    assert [(event.step, event.value) for event in read.Scalars("train/loss")] == [(2, 1.0), (4, 0.5)]
    Journal(None, total=4, fresh=True, tensorboard=True).close()  # another process than the first
    assert len(list(tmp_path.glob("events.*"))) == 2


def test_without_tensorboard_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(BackendUnavailable, match=r"pip install 'vaezoo\[tensorboard\]'"):
        Journal(tmp_path, total=4, fresh=True, tensorboard=True)
    Journal(tmp_path, total=4, fresh=True).close()

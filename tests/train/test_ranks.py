"""Two processes train what one does, and decide together."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vaezoo.core import Objective
from vaezoo.errors import ConfigError
from vaezoo.train.loop import train
from vaezoo.train.ranks import Ranks, join_ranks

from . import toy
from .test_loop import Poisoned

ROOT = Path(__file__).parents[2]
SCRIPT = """
import os, sys
from pathlib import Path
from tests.train import toy
from tests.train.test_loop import Poisoned
from vaezoo.core import Objective
from vaezoo.train.loop import train
steps = range(3, 4) if os.environ.get("RANK", "1") == "1" else range(0)
objective = Objective(toy.objective().model, Poisoned(steps, "term"))
train(toy.recipe(), Path(sys.argv[1]), objective=objective, source=toy.source())
"""


def test_two_processes_train_what_one_does_and_skip_what_is_bad_in_one(tmp_path: Path) -> None:
    alone = Objective(toy.objective().model, Poisoned(range(3, 4), "term"))
    train(toy.recipe(), tmp_path / "one", objective=alone, source=toy.source())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {
        **os.environ,
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "two")]
    started = [subprocess.Popen(command, cwd=ROOT, env={**common, "RANK": str(rank)}) for rank in range(2)]
    try:
        assert [process.wait(timeout=120) for process in started] == [0, 0]
    finally:
        for process in started:
            process.kill()
    two = toy.weights(tmp_path / "two")
    for name, value in toy.weights(tmp_path / "one").items():
        torch.testing.assert_close(two[name], value)
    record = json.loads((tmp_path / "two/run.json").read_text())
    assert record["processes"] == 2 and record["skipped_steps"] == 1


def test_rows_are_divided_without_rest() -> None:
    device = torch.device("cpu")
    shares = [Ranks(rank, 2, device).rows(12, 3) for rank in range(2)]
    assert [row for share in shares for piece in share for row in piece] == list(range(12))
    with pytest.raises(ConfigError, match="batch of 12 cannot be divided among 5 processes x 1 pieces"):
        Ranks(0, 5, device).rows(12, 1)


def test_a_device_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="Device 'gpu' cannot be used"), join_ranks("gpu"):
        pass
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="Device 'cuda:1' cannot be used"), join_ranks("cuda:1"):
        pass

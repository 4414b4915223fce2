"""The table of generative models, from models of random weights."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

import vaezoo
from benchmarks import generative
from vaezoo.errors import DataMissing


def test_a_row_gives_means_and_standard_errors() -> None:
    report = {f"{kind}{key}_nats": 1.234 for kind in ("elbo", "distortion", "rate") for key in ("", "_stderr")}
    assert generative.row("mlp-vae.a", report) == "| `mlp-vae.a` | " + "1.23 ± 1.23 | " * 3 + "– |"


def test_a_model_is_measured_and_drawn(tmp_path: Path) -> None:
    model = vaezoo.create("mlp-seed", seed=0).eval()
    try:
        report = generative.measure(model, limit=20)
    except DataMissing as missing:
        pytest.skip(str(missing))
    assert report["images"] == 20 and -700 < report["elbo_nats"] < -400
    generative.draw(model, "mlp-seed", tmp_path)
    sizes = {name: os.path.getsize(tmp_path / name) for name in os.listdir(tmp_path)}
    assert set(sizes) == {"samples-mlp-seed.png", "reconstructions-mlp-seed.png"} and max(sizes.values()) < 100_000
    assert torch.is_grad_enabled()

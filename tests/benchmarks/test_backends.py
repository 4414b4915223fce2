"""The benchmark of backends: what it runs, its table, and its page."""

from __future__ import annotations

import pytest
import torch

from benchmarks import backends
from vaezoo.errors import DataMissing


def test_backends_differ_in_rounding_alone() -> None:
    ways, y = backends.backends(backends.Network("denoise-small"), compiled=False), torch.rand(1, 3, 32, 40)
    assert list(ways) == ["fp32, by channels", "bf16, by channels", "fp32, by pixels", "bf16, by pixels"]
    found = {name: run(y) for name, run in ways.items()}
    torch.testing.assert_close(found["fp32, by pixels"], found["fp32, by channels"], atol=1e-5, rtol=0)
    for name in ("bf16, by channels", "bf16, by pixels"):
        assert found[name].dtype == torch.float32 and not torch.equal(found[name], found["fp32, by channels"])
        torch.testing.assert_close(found[name], found["fp32, by channels"], atol=6 / 255, rtol=0)


def test_a_peer_without_weights_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAEZOO_PEERS", raising=False)
    with pytest.raises(DataMissing, match="FFDNet_color"):
        backends.Network("ffdnet")


def test_the_table_is_relative_to_its_first_cell() -> None:
    def row(*cells: tuple[float, float]) -> dict[str, object]:
        ways = zip(("fp32, by channels", "bf16, by channels"), cells, strict=False)
        return {
            "weights": "abc",
            "backends": {way: {"cpu_seconds_per_megapixel": s, "psnr_db": q} for way, (s, q) in ways},
        }

    text = backends.table({"denoise": row((2.0, 31.5), (1.0, 31.49)), "ffdnet": row((4.0, 31.0))})  # type: ignore[arg-type]
    assert "| `ffdnet` | 1.00 (+0.000) | – | 1.00 × as quick |" in text
    assert "| `denoise` | 0.50 (+0.000) | 0.25 (-0.010) | 4.00 × as quick |" in text
    assert text.index("`ffdnet`") < text.index("`denoise`")


def test_the_page_says_what_was_measured() -> None:
    text = backends.PAGE.read_text(encoding="utf-8")
    assert backends.renewed(text) == text, "run python -m benchmarks.backends --write"

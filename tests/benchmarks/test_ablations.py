"""The ablations: rows that cost what they claim, records that are kept, and the page that is written from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

from benchmarks import ablations
from benchmarks.ablations import BASELINES, PAGE, ROWS, gains, keep, kept, per_second, recipe_of, renewed
from vaezoo.host.manager import current_zoo
from vaezoo.inspection.cost import cost_of
from vaezoo.zoo.specs import resolve

EMPTY = "# Page\n\n<!-- blocks -->\nold\n<!-- /blocks -->\ntext\n<!-- data -->\n<!-- /data -->\n"


def record(name: str, level: float, time_ratio: float = 1.0, **more: Any) -> dict[str, Any]:
    values = {"15": level + 3, "25": level, "50": level - 3}
    return {
        "name": name,
        "steps": 600,
        "megapixels": 22.1,
        "skipped_steps": 0,
        "train_cpu_seconds": 90.4,
        "parameters": 650_000,
        "macs_per_pixel": 37_326.0,
        "time_ratio": time_ratio,
        "data": [{"images": 208, "sha256": "a"}, {"images": 25, "sha256": "b"}],
        ablations.VALID: values,
        **more,
    }


def costs(name: str) -> float:
    recipe = recipe_of(ROWS[name], Path("classic"))
    spec = resolve(current_zoo().registry, recipe.model, recipe.overrides)
    macs: float = cost_of(spec, (256, 256))["totals"]["restore"]["macs_per_pixel"]
    return macs


def test_rows_that_claim_equal_multiplications_have_them() -> None:
    baseline = costs("residual")
    for name, row in ROWS.items():
        assert (abs(costs(name) / baseline - 1) < 0.05) == row.equal, name


def test_rows_differ_in_one_thing() -> None:
    first = recipe_of(ROWS["residual"])
    for name, row in ROWS.items():
        recipe = recipe_of(row, Path("classic"))
        assert recipe.overrides == [*first.overrides, *row.overrides], name
        assert recipe.steps == first.steps and recipe.data.sigma == first.data.sigma, name
        assert (recipe.seed != 0) + bool(row.overrides) + (recipe.data.sets == ["classic"]) == (name != "residual")


def test_the_classic_row_needs_its_folder() -> None:
    with pytest.raises(click.ClickException, match="--classic FOLDER"):
        recipe_of(ROWS["classic"])


def test_a_record_replaces_that_of_its_row(tmp_path: Path) -> None:
    path = tmp_path / "ablations.json"
    for name, level in (("gated", 30.0), ("residual", 29.0), ("gated", 31.0)):
        keep(record(name, level), path)
    assert list(kept(path)) == ["residual", "gated"] and kept(path)["gated"] == record("gated", 31.0)
    assert [each["name"] for each in json.loads(path.read_text())] == ["residual", "gated"]
    assert list(tmp_path.iterdir()) == [path]


def test_rows_of_another_length_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "ablations.json"
    for name, steps in (("residual", 400), ("gated", 400), ("wider", 900)):
        keep(record(name, 29.0) | {"steps": steps}, path)
    assert list(kept(path)) == ["wider"]


def test_two_records_make_a_page() -> None:
    records = {name: record(name, level) for name, level in zip(BASELINES, (29.0, 29.1), strict=True)}
    records["residual"][ablations.TEST] = records["residual"][ablations.VALID]
    page = renewed(EMPTY, records)
    assert "old" not in page and page.startswith("# Page") and "\ntext\n" in page
    assert "The two seeds lie 0.10 / 0.10 / 0.10 dB apart" in page
    label = f"| `residual`: {ROWS['residual'].about} |"
    assert f"{label} 0.65 M | 37.3 | 1.00 × | 32.00 / 29.00 / 26.00 | -0.05 | – | 90 |" in page
    assert f"{label} 208 + 25 | 32.00 / 29.00 / 26.00 | 32.00 / 29.00 / 26.00 |" in page
    assert renewed(page, records) == page


def test_a_page_without_a_baseline_is_refused() -> None:
    with pytest.raises(click.ClickException, match="no record of residual-again"):
        renewed(EMPTY, {"residual": record("residual", 29.0)})


def test_equal_time_is_held_against_a_wider_net() -> None:
    """A block on the line of residual nets gains nothing, however slow; one above it does."""
    records = {name: record(name, 29.0) for name in BASELINES} | {"wider": record("wider", 29.4, 2.0)}
    assert per_second({name: records[name] for name in BASELINES}, "residual") is None
    records["gated"] = record("gated", 29.8, 4.0)
    assert gains(records, "gated") == pytest.approx([0.8] * 3) and per_second(records, "gated") == pytest.approx(0)
    records["gated"] = record("gated", 29.5, 1.0, skipped_steps=3)
    assert per_second(records, "gated") == pytest.approx(0.5)
    assert "| +0.50 | +0.50 | 90 (3 steps skipped) |" in renewed(EMPTY, records)


def test_the_page_has_what_was_measured() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert renewed(text, kept()) == text, "run python -m benchmarks.ablations --page"
    assert all(row["skipped_steps"] == 0 for row in kept().values())

"""The page of parts is what their configurations say."""

from __future__ import annotations

from benchmarks.pages.parts import PAGE, page


def test_the_page_of_parts_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m benchmarks.pages.parts"
    assert "| `gather` | int | `4` |" in page() and "### loss `elbo`" in page()

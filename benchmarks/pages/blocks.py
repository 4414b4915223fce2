"""Generated parts of pages: what stands between two markers, ``<!-- name -->`` and ``<!-- /name -->``."""

from __future__ import annotations

import click


def between(text: str, name: str, content: str) -> str:
    """Returns a page with other content between the markers of a name.

    Raises:
        click.ClickException: It has no such markers.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    head, found, rest = text.partition(begin)
    if not found or end not in rest:
        raise click.ClickException(f"The page has no markers {name!r}.")
    return head + begin + content + end + rest.partition(end)[2]

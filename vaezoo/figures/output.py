"""Writing a figure to a file."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vaezoo.errors import ConfigError, ImageError
from vaezoo.files.atomic import make_folder, write_whole
from vaezoo.files.targets import check_target

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaezoo.figures.projection import Projection
    from vaezoo.figures.sheet import Sheet


def check_output(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Raises if a file must not be written, before anything is computed for it.

    Raises:
        ConfigError: The file exists.
        ImageError: The suffix is not a known format, or the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    path = Path(path)
    known = FigureCanvasAgg.get_supported_filetypes()
    if path.suffix.lower().lstrip(".") not in known:
        raise ImageError(
            f"The figure {path} cannot be written: {path.suffix!r} names no format.",
            hint=f"Known: {', '.join(sorted(known))}.",
            value=str(path),
        )
    if os.path.exists(path) and not overwrite:
        raise ConfigError(f"{path} exists already.", hint="Overwrite it, or give another output.", value=str(path))
    check_target(path)


def write(path: str | os.PathLike[str], drawn: Sheet | Projection | Figure, *, overwrite: bool = False) -> None:
    """Writes a figure in the format of the path's suffix, such as PNG, PDF or SVG. Creates the folder.

    Args:
        path: Path of the file.
        drawn: Figure, or an object that draws one.
        overwrite: Whether an existing file may be replaced.

    Raises:
        ConfigError: The file exists and must not be replaced.
        ImageError: The file cannot be written, or the suffix is not a known format.
    """
    from matplotlib.figure import Figure

    from vaezoo.figures.projection import Projection

    check_output(path, overwrite=overwrite)
    path, content = Path(path), io.BytesIO()
    figure = drawn if isinstance(drawn, Figure) else drawn.draw()
    form = path.suffix.lower().lstrip(".")
    figure.savefig(content, dpi=figure.dpi, format=form)
    make_folder(path.parent, ImageError)
    whole = _smaller(content, isinstance(drawn, Projection)) if form == "png" else content.getvalue()
    write_whole(path, whole, replace=overwrite, error=ImageError)


def _smaller(png: io.BytesIO, few: bool) -> bytes:
    """Returns a PNG without alpha, which matplotlib always writes, and with one channel if it is gray.

    A figure with few colours is reduced to the 256 best: a map of 88 kB becomes one of 34.
    """
    from PIL import Image

    picture, content = Image.open(png).convert("RGB"), io.BytesIO()
    pixels = np.asarray(picture)
    if bool((pixels == pixels[..., :1]).all()):
        picture = picture.convert("L")
    elif few:
        picture = picture.quantize(256, dither=Image.Dither.NONE)
    picture.save(content, "png", optimize=True, dpi=Image.open(png).info.get("dpi", (150, 150)))
    return content.getvalue()

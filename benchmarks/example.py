"""``python -m benchmarks.example OUT [IMAGE]``: what ``make enhance`` runs.

Enhances IMAGE, or where none is given a photo with real noise from docs/figures, and says where the result is.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
PHOTO = ROOT / "docs" / "figures" / "window.jpg"
"""Part of a photo by Gabriele Diwald, from ubuntu-mate/ubuntu-mate-artwork, CC BY-SA 4.0. No weights saw it."""
README = ROOT / "docs" / "figures" / "window-enhanced.jpg"
"""The picture at the top of README.md."""


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("image", required=False, type=click.Path(path_type=Path))
@click.option("--readme", is_flag=True, help="Also draw the picture at the top of README.md.")
def main(out: Path, image: Path | None, readme: bool) -> None:
    """Enhance IMAGE, or an example, into OUT."""
    from vaezoo.cli import main as vaezoo

    out.mkdir(parents=True, exist_ok=True)
    if image is None:
        image = out / "photo.jpg"
        shutil.copyfile(PHOTO, image)
        click.echo(f"No IMAGE given, so here is one with real noise: {image}")
    target = out / f"{image.stem}.enhanced{image.suffix}"
    try:
        vaezoo(["enhance", str(image), "-o", str(target), "--figure", "--overwrite"])
    except SystemExit as done:  # how a command ends
        if done.code or not readme:
            raise
    if readme:
        from PIL import Image

        with Image.open(next(out.glob(f"{target.name}*.figure.png"))) as figure:
            figure.convert("RGB").save(README, quality=90)


if __name__ == "__main__":
    main()

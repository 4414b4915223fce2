"""``python -m benchmarks.example OUT [IMAGE]``: what ``make enhance`` runs.

Enhances IMAGE, or, where none is given, one of scikit-image's photos with noise added, and says where the result is.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

SIGMA = 25
"""Standard deviation of the noise added to the example, in grey levels of 255."""


def noisy_photo(folder: Path) -> Path:
    """Writes scikit-image's photo of an astronaut with seeded Gaussian noise, and returns its path."""
    import numpy as np
    from PIL import Image
    from skimage.data import astronaut

    clean = astronaut().astype(np.float32)
    noise = np.random.RandomState(0).randn(*clean.shape).astype(np.float32)
    path = folder / "photo.png"
    Image.fromarray(np.clip(np.round(clean + SIGMA * noise), 0, 255).astype(np.uint8)).save(path)
    return path


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("image", required=False, type=click.Path(path_type=Path))
def main(out: Path, image: Path | None) -> None:
    """Enhance IMAGE, or an example, into OUT."""
    from vaezoo.cli import main as vaezoo

    out.mkdir(parents=True, exist_ok=True)
    if image is None:
        image = noisy_photo(out)
        click.echo(f"No IMAGE given, so here is one: {image}, a photo with noise of {SIGMA}/255 added.")
    target = out / f"{image.stem}.enhanced{image.suffix}"
    sys.exit(vaezoo(["enhance", str(image), "-o", str(target), "--figure", "--overwrite"]))


if __name__ == "__main__":
    main()

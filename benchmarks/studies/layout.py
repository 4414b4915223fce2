"""``python -m benchmarks.studies.layout``: the time that restoring a picture takes with channels last, and without."""

from __future__ import annotations

import copy
import time
from statistics import median

import click


@click.command()
@click.option("--repeats", default=9, help="Runs of each, in turn.")
@click.option("--side", default=512, help="Pixels.")
def main(repeats: int, side: int) -> None:
    """Measure the model ``denoise`` on one thread, in processor time."""
    import torch

    import vaezoo

    torch.set_num_threads(1)
    last = vaezoo.create("denoise", pretrained=True)
    first = copy.deepcopy(last)
    first.conditioner._forward_pre_hooks.clear()  # what vaezoo_ladder puts there when a model is made
    y = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    spent: dict[str, list[float]] = {"as before": [], "channels last": []}
    with torch.inference_mode():
        for model in (first, last):
            model.restore(y)
        for _ in range(repeats):
            for name, model in zip(spent, (first, last), strict=True):
                begun = time.process_time()
                model.restore(y)
                spent[name].append(time.process_time() - begun)
        apart = float((first.restore(y).image - last.restore(y).image).abs().max())
    ratio = median(b / a for a, b in zip(*spent.values(), strict=True))
    for name, seconds in spent.items():
        click.echo(f"{name}: {median(seconds):.3f} CPU-s, least {min(seconds):.3f}")
    click.echo(f"ratio {ratio:.2f}; the pictures differ by {apart:.1e} at most")


if __name__ == "__main__":
    main()

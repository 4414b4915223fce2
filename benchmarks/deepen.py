"""``python -m benchmarks.deepen MODEL BLOCKS OUT``: a ladder's pretrained weights with more residual blocks a level.

A new block's second convolution is zero, so the deeper model gives what the old one gave, and training goes on from
there (`recipes/denoise-deep.yaml`).
"""

from __future__ import annotations

from pathlib import Path

import click
import torch

from vaezoo.zoo import create


@click.command()
@click.argument("model")
@click.argument("blocks", type=int)
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--weights", type=click.Path(exists=True, path_type=Path), help="A file instead of the weights on shelf.")
@click.option("--from-blocks", type=int, required=True, help="Blocks a level that the weights have.")
def main(model: str, blocks: int, out: Path, weights: Path | None, from_blocks: int) -> None:
    """Write deeper weights to OUT."""
    from safetensors.torch import save_file

    old = create(model, pretrained=weights or True, blocks=from_blocks).state_dict()
    deeper = create(model, blocks=blocks, seed=0)
    tensors = deeper.state_dict()
    for name, value in tensors.items():
        if name in old:
            tensors[name] = old[name]
        elif ".second." in name:
            tensors[name] = torch.zeros_like(value)
    if lost := sorted(old.keys() - tensors.keys()):
        raise click.ClickException(
            f"The deeper model has no place for {lost[0]!r}: {from_blocks} blocks and more only."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out)
    click.echo(f"{out}: {sum(t.numel() for t in tensors.values()):,} values, {len(tensors) - len(old)} tensors are new")


if __name__ == "__main__":
    main()

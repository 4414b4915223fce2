"""``vaezoo fit-prior``: fits a prior to a trained model's latents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vaezoo.cli.options import trust_code
from vaezoo.errors import ConfigError

if TYPE_CHECKING:
    from vaezoo.core import VAE, Batch


@click.command("fit-prior")
@click.argument("name")
@click.option(
    "--data", default="mnist", show_default=True, help="Training data of the model: a data set, folder or zip."
)
@click.option("--prior", default="mixture", show_default=True, help="Name of the prior.")
@click.option("--components", type=click.IntRange(min=1), help="Number of components of a mixture.")
@click.option("--set", "settings", multiple=True, help="Further setting of the prior, KEY=VALUE.")
@click.option(
    "--weights", type=click.Path(path_type=Path), help="Safetensors file to load instead of the shipped weights."
)
@click.option("--limit", type=click.IntRange(min=1), help="Number of images, the first ones. Default: all.")
@click.option("--steps", type=click.IntRange(min=1), help="Largest number of steps of the fit.")
@click.option("--seed", default=0, show_default=True, help="Random seed for the latents and the fit.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for vaezoo.load, or safetensors file, to write.",
)
@trust_code
@click.option("--overwrite", is_flag=True, help="Replace an existing folder or file.")
def fit_prior(
    name: str,
    data: str,
    prior: str,
    components: int | None,
    settings: tuple[str, ...],
    weights: Path | None,
    limit: int | None,
    steps: int | None,
    seed: int,
    output: Path,
    overwrite: bool,
) -> None:
    """Fit a prior to the latents of the model NAME, or of one that vaezoo.save wrote into the folder NAME.

    Samples of the new model come from a prior that matches its own latents. Reconstructions stay the same.
    """
    from vaezoo.publish.loading import open_model
    from vaezoo.publish.saving import is_saved, save, save_file
    from vaezoo.train.fitting import fit_prior
    from vaezoo.zoo.specs import pairs

    def refuse_to_replace() -> None:
        if (output.is_file() or is_saved(output)) and not overwrite:
            raise ConfigError(f"{output} exists already.", hint="Say --overwrite to replace it.", value=str(output))

    refuse_to_replace()
    params: dict[str, Any] = dict(pairs(settings)) | ({} if components is None else {"components": components})
    model = open_model(name, weights)
    fitted = fit_prior(model, _batch(data, model, limit), prior, steps=steps, seed=seed, **params)
    refuse_to_replace()  # once more: fitting takes long
    if output.suffix == ".safetensors":
        save_file(fitted, output, replace=overwrite)
        part = fitted.origin.spec.parts["prior"]
        around = {key: part.arguments[key] for key in ("around",) if key in part.params}
        told = ", ".join(f"{key!r}: {value!r}" for key, value in {"name": prior, **around, **params}.items())
        how = f'vaezoo.create({fitted.origin.name!r}, prior={{{told}}}, pretrained="{output}")'
    else:
        save(fitted, output)
        how = f'vaezoo.load("{output}")'
    click.echo(f"{prior} fitted to {data} -> {output}; {how}")


def _batch(data: str, model: VAE, limit: int | None) -> Batch:
    """Returns the images of a data set, with their labels if the model uses them."""
    import torch

    from vaezoo.core import Batch, LabelConditioner
    from vaezoo.data.sets import load_images
    from vaezoo.release.protocol import tensor_of

    images = load_images(data, gray=model.channels == 1)
    x = torch.cat([tensor_of(pixels) for pixels in images.pixels[:limit]])
    cond = {}
    if isinstance(model.conditioner, LabelConditioner) and images.labels is not None:
        cond["label"] = torch.from_numpy(images.labels[:limit].copy()).long()
    return Batch(x, cond=cond)

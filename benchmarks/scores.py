"""What a card says of its weights: scores by task, and the protocol that gives them their meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaezoo.core import VAE

SIGMAS = (15, 25, 50)
NLL_SAMPLES = 100


def scores_of(model: VAE, name: str, data: Mapping[str, Any], samples: int = NLL_SAMPLES) -> tuple[dict[str, Any], str]:
    """Returns a model's scores and their protocol; needs the test set in ``$VAEZOO_DATA``.

    Args:
        model: With its weights.
        name: Of the weights.
        data: What they were trained on, the ``data`` of their recipe; a generative model is measured on its test split.
        samples: K of a likelihood; 0 for the bound alone.
    """
    task = model.origin.spec.model.task
    return _restoration(model, name) if task == "denoise" else _likelihood(model, name, data, samples)


def _restoration(model: VAE, name: str) -> tuple[dict[str, Any], str]:
    from vaezoo.cli.evaluate import load_test_split, measure_restoration

    found = measure_restoration(model, load_test_split("kodak24", model), SIGMAS)
    kept = ("psnr_db", "ssim", "coverage_68", "coverage_90", "coverage_95", "ence")
    scores = {f"{key}_sigma{sigma:g}": round(row[key], 4) for sigma, row in found.items() for key in kept}
    protocol = (
        "Kodak24, Gaussian noise of 15, 25, 50 (of 255) seeded by the picture's index, input not clipped, output "
        f"clipped, RGB over all pixels, mean over pictures: vaezoo eval {name}"
    )
    return scores, protocol


def _likelihood(model: VAE, name: str, data: Mapping[str, Any], samples: int) -> tuple[dict[str, Any], str]:
    from vaezoo.cli.evaluate import load_test_split, measure_likelihood

    (trained_on,) = data["sets"]
    binary = data["binarise"] or trained_on.startswith("static-")
    images = load_test_split(trained_on, model)
    found = measure_likelihood(model, images, nll=samples if binary else 0, binary=data["binarise"])
    options = "" if trained_on == "fashion-mnist" else f" --data {trained_on}"
    if data["binarise"]:
        options += " --binarise"
    if binary and samples:
        options += f" --nll {samples}"
    pixels = "binary pixels" if binary else "gray pixels under a Bernoulli likelihood"
    protocol = (
        f"The test images of {trained_on}, {pixels}, nats per image, one posterior sample, seeded: "
        f"vaezoo eval {name}{options}"
    )
    return {key: round(value, 3) for key, value in found.items()}, protocol

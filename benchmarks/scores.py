"""What a card says of its weights: scores by task, and the protocol that gives them their meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaezoo.core import VAE

SIGMAS = (15, 25, 50)


def scores_of(model: VAE, name: str) -> tuple[dict[str, Any], str]:
    """Returns a model's scores and their protocol; needs the test set in ``$VAEZOO_DATA``."""
    task = model.origin.spec.model.task
    return _restoration(model, name) if task == "denoise" else _likelihood(model, name)


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


def _likelihood(model: VAE, name: str) -> tuple[dict[str, Any], str]:
    from .generative import measure

    scores = {key: round(value, 3) for key, value in measure(model).items()}
    protocol = (
        "Fashion-MNIST's test images, gray pixels under a Bernoulli likelihood, nats per image, one posterior sample, "
        f"seeded: vaezoo eval {name}"
    )
    return scores, protocol

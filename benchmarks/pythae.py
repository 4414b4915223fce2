"""``python -m benchmarks.pythae``: NLL, embedding and training beside pythae's, on the same network, weights and data.

Both run in one process, in an environment of its own that borrows torch from ours, on one thread, in alternating
pieces; a rate is per CPU second, of the quickest piece, since other processes only slow a piece. The NLL draws as many
samples at once as each side does by default. Writes benchmarks/results/pythae.json and docs/speed.md.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parents[1]
APART, RESULT, PAGE = ROOT / ".venv-pythae", ROOT / "benchmarks/results/pythae.json", ROOT / "docs/speed.md"
VERSION = "0.1.2"
LATENTS, HIDDEN, BATCH, SAMPLES, PIECES = 16, 512, 100, 1000, 7
GOALS = {"nll": 4.0, "embedding": 3.0, "training step": 1.4}


def environment() -> Path:
    """Returns the Python of pythae's environment, made where it is missing; all but pythae's own needs are borrowed."""
    python = APART / "bin/python"
    if not (APART / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", APART], check=True)
        where = "import sysconfig; print(sysconfig.get_path('purelib'))"
        ours, theirs = (
            subprocess.run([p, "-c", where], check=True, capture_output=True, text=True).stdout.strip()
            for p in (sys.executable, str(python))
        )
        Path(theirs, "borrowed.pth").write_text(f"import site; site.addsitedir({ours!r})\n", encoding="utf-8")
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"pythae=={VERSION}"]
        subprocess.run(install, check=True, env={**os.environ, "PIP_CONSTRAINT": str(ROOT / "constraints.txt")})
        (APART / "ready").touch()
    return python


def networks() -> tuple[Any, Any]:
    """Returns our objective and pythae's VAE, 784-512-(16+16) and 16-512-784 of ReLUs, with the same weights."""
    from pythae.models import VAE, VAEConfig

    from vaezoo import create_objective

    layers = {"hidden": [HIDDEN], "activation": "relu"}
    ours = create_objective(
        "mlp-vae", seed=0, latent_channels=LATENTS, encoder={"name": "mlp", **layers}, decoder={"name": "mlp", **layers}
    )
    theirs = VAE(VAEConfig(input_dim=(1, 28, 28), latent_dim=LATENTS, reconstruction_loss="bce"))
    copy_weights(ours.model, theirs)
    return ours, theirs


def copy_weights(ours: Any, theirs: Any) -> None:
    """Gives pythae's network our weights."""
    import torch

    encoder, decoder = ours.encoder, ours.decoder
    with torch.no_grad():
        for copy, own, rows in (
            (theirs.encoder.layers[0][0], encoder.body[0], slice(None)),
            (theirs.encoder.embedding, encoder.believe, slice(LATENTS)),
            (theirs.encoder.log_var, encoder.believe, slice(LATENTS, None)),
            (theirs.decoder.layers[0][0], decoder.body[0], slice(None)),
            (theirs.decoder.layers[1][0], decoder.project, slice(None)),
        ):
            copy.weight.copy_(own.weight[rows])
            copy.bias.copy_(own.bias[rows])


def pictures(images: int) -> Any:
    """Returns seeded binary pictures (B, 1, 28, 28): blobs, from smoothed noise."""
    import torch

    noise = torch.randn(images, 1, 7, 7, generator=torch.Generator().manual_seed(0))
    return (torch.nn.functional.interpolate(noise, (28, 28), mode="bilinear") > 0.3).float()


def alternate(ours: Callable[[], Any], theirs: Callable[[], Any]) -> tuple[float, float]:
    """Returns the least CPU seconds of each, run in turns after one round that does not count."""
    spent: tuple[list[float], list[float]] = ([], [])
    for _ in range(PIECES + 1):
        for kept, act in zip(spent, (ours, theirs), strict=True):
            start = time.process_time()
            act()
            kept.append(time.process_time() - start)
    return min(spent[0][1:]), min(spent[1][1:])


def measure() -> dict[str, Any]:
    """Returns every rate; runs in pythae's environment."""
    import torch
    from pythae.data.datasets import DatasetOutput

    from vaezoo.core import Batch
    from vaezoo.core.noise import Noise
    from vaezoo.core.vae import CACHED_PIXELS
    from vaezoo.train.ranks import Ranks
    from vaezoo.train.recipe import OptimizerRecipe, Recipe
    from vaezoo.train.update import Updater

    torch.set_num_threads(1)
    objective, theirs = networks()
    x, steps = pictures(BATCH), 30
    ours, few, many = objective.model.eval(), x[:4], 20000
    theirs.eval()
    with torch.no_grad():
        values = {
            "ours": float(ours.nll(Batch(few), many, chunk=500, noise=Noise(seed=0)).mean()),
            "theirs": -float(theirs.get_nll(few, many, 500)),
            "samples": many,
        }
    recipe = Recipe(model="mlp-vae", steps=10**6, batch=BATCH, optimizer=OptimizerRecipe(lr=1e-3, warmup=0))
    updater = Updater(objective.train(), recipe, recipe.steps, Ranks(0, 1, torch.device("cpu")))
    adam = torch.optim.Adam(theirs.train().parameters(), lr=1e-3)
    numbers = iter(range(10**6))

    def our_steps() -> None:
        for _ in range(steps):
            updater.update(next(numbers), [Batch(x)])

    def their_steps() -> None:
        """As BaseTrainer.train_step has them, without its progress bar and data loader."""
        for _ in range(steps):
            loss = theirs(DatasetOutput(data=x), epoch=1, dataset_size=BATCH).loss
            adam.zero_grad()
            loss.backward()
            adam.step()
            loss.item()

    trained = alternate(our_steps, their_steps)
    ours = objective.model.eval()
    theirs.eval()
    copy_weights(ours, theirs)

    def theirs_nll() -> float:
        return float(theirs.get_nll(few, SAMPLES))

    def ours_nll() -> float:
        return float(ours.nll(Batch(few), SAMPLES).mean())

    with torch.no_grad():
        evaluated = alternate(ours_nll, theirs_nll)
        pieces = torch.randn(len(few) * SAMPLES, HIDDEN).split(CACHED_PIXELS // x[0].numel())
        product, _ = alternate(lambda: [ours.decoder.project(piece) for piece in pieces], lambda: None)
        both = [lambda: [ours.encode(x) for _ in range(100)], lambda: [theirs.embed(x) for _ in range(100)]]
        embedded = alternate(*both)
        gap = float((ours.encode(x).mean - theirs.encoder(x).embedding).abs().max())
    rows = {
        "nll": (evaluated, len(few) * SAMPLES, "samples"),
        "embedding": (embedded, 100 * BATCH, "images"),
        "training step": (trained, steps * BATCH, "images"),
    }
    return {
        "rates": {
            name: {
                "unit": unit,
                "ours": count / s[0],
                "theirs": count / s[1],
                "factor": s[1] / s[0],
                "goal": GOALS[name],
            }
            for name, (s, count, unit) in rows.items()
        },
        "nll_nats": values,
        "nll_product": {"share": product / evaluated[0], "factor": evaluated[1] / product},
        "largest_difference_of_embeddings": gap,
        "torch": torch.__version__,
    }


IMPORT = """
import json, resource, time
import torch
def now(): return time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
a = now()
{statement}
b = now()
print(json.dumps([b[0] - a[0], b[1] - a[1]]))
"""
IMPORTS = {
    "ours": "import vaezoo; vaezoo.create('mlp-vae')",
    "theirs": "from pythae.models import VAE, VAEConfig; VAE(VAEConfig(input_dim=(1, 28, 28), latent_dim=16))",
}


def imports(python: Path) -> dict[str, dict[str, float]]:
    """Returns CPU seconds and MiB that importing and building one model take above torch, medians of five."""
    found = {}
    for name, statement in IMPORTS.items():
        runs = []
        for _ in range(5):
            code = [python, "-c", IMPORT.format(statement=statement)]
            done = subprocess.run(code, check=True, capture_output=True, text=True, cwd=ROOT)
            runs.append(json.loads(done.stdout.splitlines()[-1]))
        seconds, mib = (statistics.median(column) for column in zip(*runs, strict=True))
        found[name] = {"cpu_s": seconds, "peak_mib": mib}
    return found


def table(result: dict[str, Any]) -> str:
    """Returns the page."""
    lines = [
        "# Speed beside pythae",
        f"`python -m benchmarks.pythae` (pythae {VERSION}, torch {result['torch']}): one network,",
        f"784-{HIDDEN}-{LATENTS} and back, one set of weights and seeded binary pictures, one process, one thread,",
        "alternating pieces; rates per CPU second, of the quickest piece of each side.",
        "",
        "| | vaezoo | pythae | factor | goal |",
        "|---|---|---|---|---|",
    ]
    for name, r in result["rates"].items():
        rates = f"{r['ours']:,.0f} {r['unit']}/s | {r['theirs']:,.0f} {r['unit']}/s"
        lines.append(f"| {name} | {rates} | {r['factor']:.2f} | {r['goal']:g} |")
    ours, theirs = result["imports"]["ours"], result["imports"]["theirs"]
    for key, what, unit in (("cpu_s", "import and build, above torch", "s"), ("peak_mib", "memory of that", "MiB")):
        factor = theirs[key] / ours[key]
        lines.append(f"| {what} | {ours[key]:.2f} {unit} | {theirs[key]:.2f} {unit} | {factor:.2f} | |")
    n, product = result["nll_nats"], result["nll_product"]
    lines += [
        "",
        f"Of our NLL's time {product['share']:.0%} is one matrix product, from {HIDDEN} to the pixels, which both",
        f"sides need: were all else free, the factor would be {product['factor']:.1f}.",
        "",
        f"The NLL of the same four pictures under the first weights, from {n['samples']:,} samples, each side with its",
        f"own noise: {n['ours']:.3f} and {n['theirs']:.3f} nats. pythae's embedding is a draw that it also decodes and",
        "scores; ours is the posterior. Samples at once are as many as each side takes by default.",
    ]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--inside", is_flag=True, hidden=True)
def main(inside: bool) -> None:
    """Measure, and write result and page."""
    if inside:
        click.echo(json.dumps(measure()))
        return
    python = environment()
    done = subprocess.run(
        [python, "-m", "benchmarks.pythae", "--inside"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    result = {**json.loads(done.stdout.splitlines()[-1]), "imports": imports(python)}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(table(result), encoding="utf-8")
    click.echo(table(result))


if __name__ == "__main__":
    main()

"""``python -m benchmarks.pythae``: NLL, embedding and training beside pythae's, on the same network, weights and data.

Each side runs in a process of its own, in an environment that has pythae and borrows torch from ours, on one thread;
they take turns. A rate is per CPU second, of the quickest piece, since other processes only slow a piece, and in the
median of launches, since where memory falls slows one. The NLL draws as many samples at once as each side does by
default. Writes benchmarks/results/pythae.json and docs/speed.md.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parents[1]
APART, RESULT, PAGE = ROOT / ".venv-pythae", ROOT / "benchmarks/results/pythae.json", ROOT / "docs/speed.md"
VERSION = "0.1.2"
LATENTS, HIDDEN, BATCH, SAMPLES, PIECES = 16, 512, 100, 1000, 7
FEW, MANY, REPEATS, STEPS, LAUNCHES = 4, 20000, 100, 30, 5


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


def ours() -> dict[str, Callable[[], Any]]:
    """Returns what is done on our side, by name."""
    import torch

    from vaezoo.core import Batch
    from vaezoo.core.machine.arithmetic import CACHED_PIXELS, arithmetic
    from vaezoo.core.noise import Noise
    from vaezoo.train.ranks import Ranks
    from vaezoo.train.recipe import OptimizerRecipe, Precision, Recipe
    from vaezoo.train.update import Updater

    objective, _ = networks()
    x, model, cpu = pictures(BATCH), objective.model, torch.device("cpu")
    recipe = Recipe(model="mlp-vae", steps=10**6, batch=BATCH, optimizer=OptimizerRecipe(lr=1e-3, warmup=0))
    recipes = {precision: replace(recipe, precision=precision) for precision in Precision}
    updaters = {p.value: Updater(objective, r, r.steps, Ranks(0, 1, cpu)) for p, r in recipes.items()}
    numbers = iter(range(10**6))
    pieces = torch.randn(FEW * SAMPLES, HIDDEN).split(CACHED_PIXELS // x[0].numel())

    def nll(precision: str, samples: int, noise: Noise | None = None) -> float:
        with arithmetic(precision, cpu):
            return float(model.eval().nll(Batch(x[:FEW]), samples, noise=noise).mean())

    def train(precision: str) -> None:
        objective.train()
        for _ in range(STEPS):
            updaters[precision].update(next(numbers), [Batch(x)])

    def embed() -> None:
        with torch.no_grad():
            for _ in range(REPEATS):
                model.eval().encode(x)

    def product() -> None:
        with torch.no_grad():
            for piece in pieces:
                model.decoder.project(piece)

    return {
        "nats": lambda: nll("fp32", MANY, Noise(seed=0)),
        "nats in bf16": lambda: nll("bf16", MANY, Noise(seed=0)),
        "nll": lambda: nll("fp32", SAMPLES),
        "nll in bf16": lambda: nll("bf16", SAMPLES),
        "product": product,
        "embedding": embed,
        "training step": lambda: train("fp32"),
        "training step in bf16": lambda: train("bf16"),
    }


def theirs() -> dict[str, Callable[[], Any]]:
    """Returns what is done on pythae's side, by name."""
    import torch
    from pythae.data.datasets import DatasetOutput

    own, model = networks()
    x, few = pictures(BATCH), pictures(BATCH)[:FEW]
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)

    def nll(bf16: bool = False, samples: int = SAMPLES, **options: int) -> float:
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            return -float(model.eval().get_nll(few, samples, **options))

    def train() -> None:
        """As BaseTrainer.train_step has it, without its progress bar and data loader."""
        model.train()
        for _ in range(STEPS):
            loss = model(DatasetOutput(data=x), epoch=1, dataset_size=BATCH).loss
            adam.zero_grad()
            loss.backward()
            adam.step()
            loss.item()

    def embed() -> None:
        with torch.no_grad():
            for _ in range(REPEATS):
                model.eval().embed(x)

    def gap() -> float:
        with torch.no_grad():
            return float((own.model.eval().encode(x).mean - model.eval().encoder(x).embedding).abs().max())

    return {
        "nats": lambda: nll(samples=MANY, batch_size=500),
        "nll": nll,
        "nll in bf16": lambda: nll(bf16=True),
        "gap": gap,
        "embedding": embed,
        "training step": train,
    }


def serve(side: str) -> None:
    """Does what standard input names, line by line, and answers with the CPU seconds that it took and its value."""
    import torch

    torch.set_num_threads(1)
    acts = {"ours": ours, "theirs": theirs}[side]()
    for line in sys.stdin:
        start = time.process_time()
        value = acts[line.strip()]()
        print(json.dumps([time.process_time() - start, value]), flush=True)


class Side:
    """A process that runs one side."""

    def __init__(self, python: Path, side: str) -> None:
        command = [python, "-m", "benchmarks.pythae", "--side", side]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, **pipes)

    def __call__(self, act: str) -> tuple[float, Any]:
        """Returns the CPU seconds that an act takes, and its value."""
        assert self.process.stdin and self.process.stdout
        print(act, file=self.process.stdin, flush=True)
        seconds, value = json.loads(self.process.stdout.readline())
        return seconds, value

    def close(self) -> None:
        """Ends the process."""
        self.process.communicate()


OURS, THEIRS = "ours", "theirs"
TURNS = (
    ((OURS, "nll"), (OURS, "nll in bf16"), (THEIRS, "nll"), (THEIRS, "nll in bf16"), (OURS, "product")),
    ((OURS, "embedding"), (THEIRS, "embedding")),
    ((OURS, "training step"), (OURS, "training step in bf16"), (THEIRS, "training step")),
)
ROWS = {
    "nll": ("nll", FEW * SAMPLES, "samples", 4.0),
    "nll in bf16": ("nll", FEW * SAMPLES, "samples", None),
    "embedding": ("embedding", REPEATS * BATCH, "images", 3.0),
    "training step": ("training step", STEPS * BATCH, "images", 1.4),
    "training step in bf16": ("training step", STEPS * BATCH, "images", None),
}
"""What pythae does for each row, how many of what that is, and the goal."""


def launch(python: Path) -> tuple[dict[tuple[str, str], float], dict[str, float]]:
    """Returns the least CPU seconds of every act, after a round that does not count, and what both sides compute."""
    sides = {name: Side(python, name) for name in (OURS, THEIRS)}
    try:
        own, peer = sides[OURS], sides[THEIRS]
        values = {"ours": own("nats")[1], "bf16": own("nats in bf16")[1], "theirs": peer("nats")[1]}
        values["largest_difference_of_embeddings"] = peer("gap")[1]
        spent = {}
        for turns in TURNS:
            rounds = [[sides[side](act)[0] for side, act in turns] for _ in range(PIECES + 1)]
            spent |= {turn: min(column) for turn, *column in zip(turns, *rounds[1:], strict=True)}
    finally:
        for side in sides.values():
            side.close()
    return spent, values


def measure(python: Path) -> dict[str, Any]:
    """Returns every rate, by the medians of the launches: where memory falls makes a launch of either side slower."""
    launches = [launch(python) for _ in range(LAUNCHES)]
    spent = {turn: statistics.median(found[turn] for found, _ in launches) for turns in TURNS for turn in turns}
    rates = {}
    for name, (act, count, unit, goal) in ROWS.items():
        mine, their = spent[OURS, name], spent[THEIRS, act]
        rates[name] = {
            "unit": unit,
            "ours": count / mine,
            "theirs": count / their,
            "factor": their / mine,
            "goal": goal,
        }
    single, reference, product = spent[OURS, "nll"], spent[THEIRS, "nll"], spent[OURS, "product"]
    return {
        "rates": rates,
        "launches": LAUNCHES,
        "values": {**launches[0][1], "samples": MANY},
        "nll_product": {"share": product / single, "factor": reference / product},
        "theirs_in_bf16": reference / spent[THEIRS, "nll in bf16"],
        "torch": version("torch"),
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
        f"784-{HIDDEN}-{LATENTS} and back, one set of weights and seeded binary pictures, a process with one thread",
        "each, in turns; rates per CPU second, of the quickest piece, in the median of",
        f"{result['launches']} launches of both.",
        "",
        "| | vaezoo | pythae | factor | goal |",
        "|---|---|---|---|---|",
    ]
    for name, r in result["rates"].items():
        rates = f"{r['ours']:,.0f} {r['unit']}/s | {r['theirs']:,.0f} {r['unit']}/s"
        goal = "" if r["goal"] is None else f"{r['goal']:g}"
        lines.append(f"| {name} | {rates} | {r['factor']:.2f} | {goal} |")
    ours, theirs = result["imports"]["ours"], result["imports"]["theirs"]
    for key, what, unit in (("cpu_s", "import and build, above torch", "s"), ("peak_mib", "memory of that", "MiB")):
        factor = theirs[key] / ours[key]
        lines.append(f"| {what} | {ours[key]:.2f} {unit} | {theirs[key]:.2f} {unit} | {factor:.2f} | |")
    n, product = result["values"], result["nll_product"]
    lines += [
        "",
        f"Of our NLL's time {product['share']:.0%} is one matrix product, from {HIDDEN} to the pixels, which both",
        f"sides need: were all else free, the factor would be {product['factor']:.1f}.",
        "",
        "In bf16 is our `precision`, of `vaezoo eval --metrics nll` and of recipes, beside pythae as it is, which has",
        f"no such option; its NLL under torch's autocast would take {1 / result['theirs_in_bf16']:.2f} of its time.",
        "",
        f"The NLL of the same four pictures under the first weights, from {n['samples']:,} samples, each side with its",
        f"own noise: {n['ours']:.3f} and {n['theirs']:.3f} nats, and {n['bf16']:.3f} in bf16 with our first noise.",
        "pythae's embedding is a draw that it also decodes and scores; ours is the posterior. Samples at once are as",
        "many as each side takes by default.",
    ]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--side", type=click.Choice(("ours", "theirs")), hidden=True)
def main(side: str | None) -> None:
    """Measure, and write result and page."""
    if side:
        serve(side)
        return
    python = environment()
    result = {**measure(python), "imports": imports(python)}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(table(result), encoding="utf-8")
    click.echo(table(result))


if __name__ == "__main__":
    main()

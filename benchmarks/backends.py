"""``python -m benchmarks.backends [NAMES…]``: colour denoisers, each by the backends that torch has for a CPU.

Times them on one thread, all backends of a network in turn: memory laid out by channels or by pixels, fp32 or bf16, and
with ``--compile`` through torch's compiler too, which takes minutes a network. Keeps a record a network in
``benchmarks/results/backends.json`` and writes the table of ``docs/backends.md``. Needs Kodak24 in
``$VAEZOO_DATA``; peers' weights are looked for in ``$VAEZOO_PEERS``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks.pages.blocks import between

if TYPE_CHECKING:
    from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "backends.json"
PAGE = ROOT / "docs" / "backends.md"
NETWORKS = ("ffdnet", "cdncnn-b", "denoise", "denoise-small")
SIDE, PICTURES, REPEATS, SIGMA = 384, 6, 7, 25.0
LAYOUTS, PRECISIONS = ("by channels", "by pixels"), ("fp32", "bf16")
Record = dict[str, Any]
Run = Callable[["Tensor"], "Tensor"]


class Network:
    """A colour denoiser.

    Args:
        name: One of `NETWORKS`.

    Raises:
        DataMissing: A peer's weights are not there.
    """

    def __init__(self, name: str) -> None:
        import vaezoo
        from benchmarks.peers.files import fingerprint
        from benchmarks.restorers.learned import dncnn_blind_network, ffdnet_network

        if name in NETWORKS[:2]:
            load = ffdnet_network if name == "ffdnet" else dncnn_blind_network
            network, path = load(colour=True)
            self.module: nn.Module = network
            self.weights = fingerprint(path)
        else:
            model = vaezoo.create(f"{name}.open", pretrained=True)
            self.module, self.weights = model, model.origin.weights.sha256[:12]
        self.name = name

    def run(self, y: Tensor) -> Tensor:
        """Returns the clean picture (1, 3, H, W), fp32."""
        if self.name == "ffdnet":
            image: Tensor = self.module(y, SIGMA / 255)
        else:
            image = self.module(y) if self.name == "cdncnn-b" else self.module.restore(y).image  # type: ignore[operator]
        return image.float()


def backends(network: Network, *, compiled: bool) -> dict[str, Run]:
    """Returns how a network can be run, by name; the first is what `Restorer` does unless it is told otherwise."""
    import copy

    import torch

    found: dict[str, Run] = {}
    for layout in LAYOUTS:
        format = torch.channels_last if layout == LAYOUTS[1] else torch.contiguous_format
        this = copy.copy(network)
        this.module = copy.deepcopy(network.module).to(memory_format=format)  # type: ignore[call-overload]
        ways = {"": this.run} | ({", compiled": torch.compile(this.run)} if compiled and layout == LAYOUTS[1] else {})
        for precision in PRECISIONS:
            for suffix, way in ways.items():

                def run(y: Tensor, way: Run = way, format: Any = format, half: bool = precision == "bf16") -> Tensor:
                    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
                        return way(y.contiguous(memory_format=format))

                found[f"{precision}, {layout}{suffix}"] = run
    return found


def measure(name: str, *, compiled: bool, pictures: int = PICTURES, repeats: int = REPEATS) -> Record:
    """Returns seconds of processor time per megapixel and PSNR of each backend: the fastest of some runs, in turn."""
    import torch

    from vaezoo.data.sets import load_images
    from vaezoo.image import gaussian_noise, psnr_db
    from vaezoo.release.protocol import tensor_of

    torch.set_num_threads(1)
    network = Network(name)
    ways = backends(network, compiled=compiled)
    clean = [tensor_of(p)[..., :SIDE, :SIDE] for p in load_images("kodak24").pixels[:pictures]]
    noisy = [gaussian_noise(x, SIGMA, seed=index) for index, x in enumerate(clean)]
    quality = {
        way: sum(float(psnr_db(run(y).clamp(0, 1), x)) for x, y in zip(clean, noisy, strict=True)) / len(clean)
        for way, run in ways.items()
    }
    spent: dict[str, float] = dict.fromkeys(ways, float("inf"))
    for _ in range(repeats):
        for way, run in ways.items():
            start = time.process_time()
            run(noisy[0])
            spent[way] = min(spent[way], time.process_time() - start)
    scale = 1e6 / (noisy[0].shape[-1] * noisy[0].shape[-2])
    return {
        "weights": network.weights,
        "backends": {
            way: {"cpu_seconds_per_megapixel": round(spent[way] * scale, 3), "psnr_db": round(quality[way], 4)}
            for way in ways
        },
    }


def table(results: dict[str, Record]) -> str:
    """Returns the table, in Markdown: time relative to the first network's first backend, and the loss in dB."""
    rows = {name: results[name]["backends"] for name in NETWORKS if name in results}
    ways = list(dict.fromkeys(way for row in rows.values() for way in row))
    unit = next(iter(next(iter(rows.values())).values()))["cpu_seconds_per_megapixel"]
    lines = [f"| network | {' | '.join(ways)} | quickest against the first row's |", "|---" * (len(ways) + 2) + "|"]
    least = min(way["cpu_seconds_per_megapixel"] for way in next(iter(rows.values())).values())
    for name, row in rows.items():
        first = next(iter(row.values()))["psnr_db"]
        cells = [
            f"{row[way]['cpu_seconds_per_megapixel'] / unit:.2f} ({row[way]['psnr_db'] - first:+.3f})"
            if way in row else "–"
            for way in ways
        ]  # fmt: skip
        quickest = min(way["cpu_seconds_per_megapixel"] for way in row.values())
        lines.append(f"| `{name}` | {' | '.join(cells)} | {least / quickest:.2f} × as quick |")
    weights = ", ".join(f"`{name}` {results[name]['weights']}" for name in rows)
    return "\n".join(lines) + f"\n\nWeights: {weights}.\n"


def renewed(text: str) -> str:
    """Returns the page with its table as the JSON file has it."""
    return between(text, "measured", table(json.loads(RESULTS.read_text(encoding="utf-8"))))


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(NETWORKS))
@click.option("--compile", "compiled", is_flag=True, help="Measure torch's compiler too.")
@click.option("--write", is_flag=True, help="Only write the table again.")
def main(names: Sequence[str], compiled: bool, write: bool) -> None:
    """Measure, and write the page."""
    for name in () if write else names or NETWORKS:
        kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        kept[name] = measure(name, compiled=compiled)
        click.echo(f"{name}: {kept[name]}", err=True)
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

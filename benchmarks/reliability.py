"""``python -m benchmarks.reliability [--check]``: the same faults played to several libraries, in one run.

Writes ``benchmarks/results/reliability.json`` and the tables between markers in ``docs/reliability.md``; ``--check``
only says whether the tables are those of the JSON files. The server is the one of ``tests/faults``, on loopback; each
call is made in a process of its own, with a cache that only the calls of one cell share.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from benchmarks.fetchers import FETCHERS, Errand
from benchmarks.pages.blocks import between

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "reliability.json"
PAGE = ROOT / "docs" / "reliability.md"
SIZE = 32 * 2**20
LIMIT_S = 40.0
"""A call that takes longer is given up; the time limits of the libraries that have one are set to 3 s."""
Record = dict[str, Any]


class Stage:
    """A server, a file and an empty cache, for one library and one fault."""

    def __init__(self, fetcher: str, faults: Any, server: Any, tensor: str, folder: Path, *plays: str) -> None:
        self.faults, self.server, self.folder = faults, server, folder
        faults.seen.clear()
        faults.halfway.clear()
        digest = hashlib.sha256(server.BODY).hexdigest()
        path = f"/org/{len(faults.plays)}/resolve/main/w.pth" if fetcher == "huggingface_hub" else None
        faults.hub = digest if path else None
        if path:
            faults.plays[path] = list(plays)
        url = faults.url + path if path else faults.at(*plays)
        self.errand = Errand(fetcher, url, digest, len(server.BODY), tensor, str(folder))

    def start(self) -> subprocess.Popen[str]:
        """Starts a call."""
        limits = {"VAEZOO_TIMEOUT": "3", "HF_HUB_DOWNLOAD_TIMEOUT": "3", "HF_HUB_ETAG_TIMEOUT": "3"}
        return subprocess.Popen(
            self.errand.command(),
            cwd=ROOT,
            env={**os.environ, **limits, "PYTHONWARNINGS": "ignore"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def call(self) -> Record:
        """Makes a call, and returns its outcome and the share of the file that it was sent."""
        before = len(self.faults.seen)
        process = self.start()
        try:
            said = answer(process, LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            said = {"outcome": "hangs"}
        said.pop("said", None)
        return {**said, "sent": round(sum(r.sent for r in self.faults.seen[before:]) / len(self.server.BODY), 3)}

    def cached(self) -> Path:
        """Returns the file that a call left in the cache."""
        return max((p for p in self.folder.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size).resolve()


def answer(process: subprocess.Popen[str], limit_s: float) -> Record:
    """Returns what a call says on its last line; torch.hub prints lines of its own before."""
    out = process.communicate(timeout=limit_s)[0]
    return dict(json.loads(out.splitlines()[-1]))


def twice(stage: Stage) -> Record:
    """Calls while the server is broken, and once more when it is well again."""
    first = stage.call()
    stage.faults.plays[stage.errand.url.removeprefix(stage.faults.url)] = ["good"]
    return {"first": first, "then": stage.call()}


def killed(stage: Stage) -> Record:
    """Kills a process when half of the file was sent and it had two seconds to write it; calls again."""
    process = stage.start()
    stage.faults.halfway.wait(LIMIT_S)
    time.sleep(2)
    process.kill()
    process.communicate()
    return {"then": stage.call()}


def spoilt(spoil: Callable[[Path], None]) -> Callable[[Stage], Record]:
    """Returns a play that spoils the cached file between two calls."""

    def play(stage: Stage) -> Record:
        stage.call()
        spoil(stage.cached())
        return {"then": stage.call()}

    return play


def flip(path: Path) -> None:
    """Flips one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def eight(stage: Stage) -> Record:
    """Calls in 8 processes at once."""
    processes = [stage.start() for _ in range(8)]
    outcomes = [answer(process, 3 * LIMIT_S)["outcome"] for process in processes]
    return {"right": outcomes.count("right"), "downloads": sum(bool(r.sent) for r in stage.faults.seen)}


FAULTS: dict[str, tuple[Callable[[Stage], Record], tuple[str, ...]]] = {
    "one byte flipped": (twice, ("flip",)),
    "body cut, Content-Length says more": (twice, ("cut",)),
    "body cut, no Content-Length": (twice, ("cutbare",)),
    "body longer": (twice, ("longer",)),
    "a web page with status 200": (twice, ("page",)),
    "nothing more after half": (twice, ("stall",)),
    "the first answer is cut, the second is good": (twice, ("cut", "good")),
    "killed at half, called again": (killed, ("upto_half", "good")),
    "a bit of the cached file flips": (spoilt(flip), ("good",)),
    "the cached file is cut": (spoilt(lambda path: os.truncate(path, SIZE // 2)), ("good",)),
    "8 processes at once": (eight, ("good",)),
}
LABELS = {
    "vaezoo": "vaezoo",
    "huggingface_hub": "huggingface_hub, `hf_hub_download`",
    "torch.hub file": "torch.hub, `download_url_to_file`",
    "torch.hub": "torch.hub, `load_state_dict_from_url`",
    "torch.hub, hash": "the same with `check_hash`",
}


def measure() -> Record:
    """Plays every fault to every library."""
    import torch

    sys.path.insert(0, str(ROOT))
    from tests.faults import server

    tensor = torch.randint(-(2**31), 2**31, (SIZE // 8,), generator=torch.Generator().manual_seed(0))
    file = io.BytesIO()
    torch.save({"w": tensor}, file)
    server.BODY, server.HALF = file.getvalue(), SIZE // 2
    digest = hashlib.sha256(tensor.numpy().tobytes()).hexdigest()
    rows: Record = {}
    for fault, (play, plays) in FAULTS.items():
        rows[fault] = {}
        for fetcher in FETCHERS:
            with server.serving() as faults, tempfile.TemporaryDirectory() as folder:
                faults.patience_s = 3 * LIMIT_S
                told = [f"upto_{SIZE // 2}" if p == "upto_half" else p for p in plays]
                rows[fault][fetcher] = play(Stage(fetcher, faults, server, digest, Path(folder, "cache"), *told))
            click.echo(f"{fault}: {fetcher}: {rows[fault][fetcher]}", err=True)
    return {"versions": {name: version(name) for name in ("vaezoo", "huggingface_hub", "torch")}, "faults": rows}


def cell(record: Record) -> str:
    """Returns a record in words."""
    if "downloads" in record:
        return f"{record['downloads']} download{'s' * (record['downloads'] != 1)}, {record['right']} of 8 right"
    then = _words(record["then"])
    if "first" not in record:
        return f"{then}, {100 * record['then']['sent']:.0f} % sent again"
    first = _words(record["first"])
    return first if record["first"]["outcome"] == "right" else f"{first}; then {then}"


def _words(call: Record) -> str:
    words = {"error": f"`{call.get('error')}`", "wrong bytes": "**wrong bytes**", "hangs": f"no end in {LIMIT_S:.0f} s"}
    return words.get(call["outcome"], call["outcome"])


def table(results: Record) -> str:
    """Returns the table of all libraries, in Markdown."""
    lines = [f"| | {' | '.join(LABELS[name] for name in FETCHERS)} |", "|---" * (len(FETCHERS) + 1) + "|"]
    for fault, records in results["faults"].items():
        lines.append(f"| {fault} | {' | '.join(cell(records[name]) for name in FETCHERS)} |")
    what = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    return "\n".join(lines) + f"\n\nMeasured with {what}.\n"


def renewed(text: str) -> str:
    """Returns the page with its table as the JSON file has it."""
    return between(text, "peers", table(json.loads(RESULTS.read_text(encoding="utf-8"))))


@click.command()
@click.option("--check", is_flag=True, help="Only say whether the page is up to date.")
@click.option("--write", is_flag=True, help="Only write the page again, from what was measured.")
def main(check: bool, write: bool) -> None:
    """Measure, and write the page."""
    if not check and not write:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    new = renewed(text)
    if check:
        sys.exit(text != new)
    PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()

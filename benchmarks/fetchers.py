"""The libraries whose downloads are compared, each as one call; as a module, it makes one in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Errand:
    """What is to be fetched.

    Attributes:
        fetcher: A name of `FETCHERS`.
        url: Of the file, a checkpoint of torch with one tensor.
        sha256: Of the file.
        size_bytes: Of the file.
        tensor: sha256 of the bytes of its tensor.
        folder: Where the cache is.
    """

    fetcher: str
    url: str
    sha256: str
    size_bytes: int
    tensor: str
    folder: str

    def command(self) -> list[str]:
        """Returns what runs it in a process of its own."""
        return [sys.executable, "-m", "benchmarks.fetchers", json.dumps(asdict(self))]


def vaezoo(errand: Errand) -> bool:
    """Fetches with this library."""
    from vaezoo.registry.cards import Card
    from vaezoo.store.store import Store
    from vaezoo.zoo.weights import locate

    card = Card("a.tag", (errand.url,), errand.sha256, errand.size_bytes, "", ())
    content = locate(card, Store(Path(errand.folder), ()))[1]
    return hashlib.sha256(content).hexdigest() == errand.sha256


def hub(errand: Errand) -> bool:
    """Fetches with huggingface_hub; the URL is that of its endpoint's file."""
    endpoint, _, path = errand.url.partition("/org/")
    repository, _, rest = path.partition("/resolve/")
    os.environ |= {"HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    from huggingface_hub import hf_hub_download

    revision, _, name = rest.partition("/")
    path = hf_hub_download(f"org/{repository}", name, revision=revision, cache_dir=errand.folder)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() == errand.sha256


def torch_file(errand: Errand) -> bool:
    """Fetches a file with torch.hub, where it is not there yet, as its callers do; without a hash."""
    from torch.hub import download_url_to_file

    path = Path(errand.folder, errand.url.rpartition("/")[2])
    if not path.exists():
        download_url_to_file(errand.url, str(path), progress=False)
    return hashlib.sha256(path.read_bytes()).hexdigest() == errand.sha256


def torch_state(errand: Errand) -> bool:
    """Fetches and loads with torch.hub, without a hash."""
    return _loads(errand, check_hash=False)


def torch_hashed(errand: Errand) -> bool:
    """Fetches and loads with torch.hub, which is told the whole hash in the file's name."""
    return _loads(errand, check_hash=True)


def _loads(errand: Errand, *, check_hash: bool) -> bool:
    from torch.hub import load_state_dict_from_url

    name = f"w-{errand.sha256}.pth" if check_hash else "w.pth"
    state = load_state_dict_from_url(
        errand.url, errand.folder, progress=False, check_hash=check_hash, file_name=name, weights_only=True
    )
    return hashlib.sha256(state["w"].numpy().tobytes()).hexdigest() == errand.tensor


FETCHERS: dict[str, Callable[[Errand], bool]] = {
    "vaezoo": vaezoo,
    "huggingface_hub": hub,
    "torch.hub file": torch_file,
    "torch.hub": torch_state,
    "torch.hub, hash": torch_hashed,
}


def main() -> None:
    """Runs an errand and says in JSON what came of it."""
    errand = Errand(**json.loads(sys.argv[1]))
    os.makedirs(errand.folder, exist_ok=True)
    try:
        print(json.dumps({"outcome": "right" if FETCHERS[errand.fetcher](errand) else "wrong bytes"}))
    except Exception as error:  # whatever a library raises is what is to be recorded
        print(json.dumps({"outcome": "error", "error": type(error).__name__, "said": str(error)[:200]}))


if __name__ == "__main__":
    main()

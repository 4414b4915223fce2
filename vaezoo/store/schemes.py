"""Sources of weights by URL scheme, mirrors, and the switch that forbids the network."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from vaezoo.errors import (
    BackendUnavailable,
    ConfigError,
    NetworkError,
    OfflineError,
    SizeMismatch,
)

OFFLINE = ("VAEZOO_OFFLINE", "HF_HUB_OFFLINE")


def from_package(url: str) -> Path | None:
    """Finds ``pkg://package/path`` inside an installed package, without importing it, and never outside of it."""
    parts = urlsplit(url)
    package, *below = parts.netloc.split(".")
    inside = PurePosixPath(*below, unquote(parts.path[1:]))
    if inside.is_absolute() or ".." in inside.parts:
        return None
    try:
        spec = importlib.util.find_spec(package)  # for package.below it would import the package
    except (ImportError, ValueError):
        return None
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder, inside)
        if os.path.isfile(path):  # which raises nothing, however long the name
            return path
    return None


def from_file(url: str) -> Path | None:
    """Finds ``file:///path``."""
    path = Path(unquote(urlsplit(url).path))
    return path if os.path.isfile(path) else None


def from_web(url: str, part: Path, size: int) -> bool:
    """Downloads an ``https://`` or ``http://`` URL into a partial file. Its imports are not needed to list models."""
    from vaezoo.store.download import download

    return download(url, part, size)


def from_hub(url: str, part: Path, size: int) -> bool:
    """Downloads ``hf://organisation/repository@revision/path`` into a partial file, by huggingface_hub.

    Raises:
        ConfigError: The URL has another form.
        BackendUnavailable: huggingface_hub is not installed.
        OfflineError: The network must not be used, and the hub's own cache does not have the file.
        NetworkError: The hub does not deliver the file.
        SizeMismatch: The file has another size.
    """
    organisation, _, rest = url.removeprefix("hf://").partition("/")
    place, _, file = rest.partition("/")
    repository, _, revision = place.partition("@")
    if not (organisation and repository and revision and file) or ".." in PurePosixPath(file).parts:
        raise ConfigError("expected hf://organisation/repository@revision/path", value=url)
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise BackendUnavailable("it needs huggingface_hub: pip install 'vaezoo[hub]'", value=url) from error
    off = offline()
    folder = part.with_name(part.name + ".hub")  # a cache of its own: a wrong file must not stay in one we do not hash
    try:
        got = hf_hub_download(
            f"{organisation}/{repository}",
            file,
            revision=revision,
            local_files_only=bool(off),
            local_dir=None if off else folder,
        )
        if Path(got).stat().st_size != size:
            raise SizeMismatch(f"{Path(got).stat().st_size} bytes where {size} were expected", value=url)
        shutil.copyfile(got, part)
    except SizeMismatch:
        raise
    except Exception as error:  # the hub's errors come from three libraries
        if off:
            raise OfflineError(f"not in the hub's cache, and {off} is set", value=url) from error
        cause = str(error).strip().partition("\n")[0]
        raise NetworkError(f"{type(error).__name__}: {cause}", value=url) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return False


LOCAL: dict[str, Callable[[str], Path | None]] = {"pkg": from_package, "file": from_file}
"""Schemes of local files."""
REMOTE: dict[str, Callable[[str, Path, int], bool]] = {"https": from_web, "http": from_web, "hf": from_hub}
"""Schemes that complete a partial file of the store; see :data:`vaezoo.store.store.Filler`."""


def offline() -> str | None:
    """Returns the name of the variable that forbids the network, or None."""
    return next((n for n in OFFLINE if os.environ.get(n, "").lower() not in ("", "0", "false", "no", "off")), None)


def mirrored(url: str) -> str:
    """Returns a URL with its prefix replaced as ``$VAEZOO_MIRROR`` says.

    The variable has ``prefix=replacement`` pairs, separated by commas. The longest matching prefix is used.

    Raises:
        ConfigError: The variable has another form.
    """
    pairs = []
    for text in filter(None, (t.strip() for t in os.environ.get("VAEZOO_MIRROR", "").split(","))):
        prefix, equals, replacement = text.partition("=")
        if not (prefix and equals and "://" in replacement):
            raise ConfigError(f"Expected VAEZOO_MIRROR as prefix=URL, joined by commas, got {text!r}.", value=text)
        pairs.append((prefix, replacement))
    for prefix, replacement in sorted(pairs, key=lambda pair: -len(pair[0])):
        if url.startswith(prefix):
            return replacement + url[len(prefix) :]
    return url

"""The cache of weights: files ("blobs") named by their sha256, which is checked whenever they are read.

``VAEZOO_HOME`` contains ``blobs/`` (each with a sidecar that says when it was verified), ``partial/`` (downloads in
progress) and ``quarantine/`` (files with a wrong hash). A folder of ``VAEZOO_SEEDS`` also contains ``blobs/``, or the
blobs themselves, and is only read.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from vaezoo.errors import HashMismatch, StoreError
from vaezoo.files.atomic import flush_folder, remove, sweep, write_whole
from vaezoo.files.reading import read_regular
from vaezoo.files.variables import path_in
from vaezoo.store import partial

TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by vaezoo: everything here can be fetched again.\n"
SPARE_BYTES = 16 * 2**20
"""Space in bytes that is left free on the disk."""
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
Filler = Callable[[Path, int], bool]
"""Function that completes a partial file to a size. It says whether several responses were put together."""


@dataclass(frozen=True)
class Blob:
    """A file of the cache.

    Attributes:
        sha256: Name of the file, which is its hash if it is intact.
        path: Path of the file.
        size_bytes: Size of the file in bytes.
        verified: Time of the last successful check, in UTC, or None.
        status: ``ok`` if unchanged since that check, ``changed``, or ``unverified``.
        cards: Names of the cards that it was downloaded for, by plugin. Empty if they were not recorded.
    """

    sha256: str
    path: Path
    size_bytes: int
    verified: str | None
    status: str
    cards: Mapping[str, str] = field(default_factory=dict)


def home() -> Path:
    """Returns the folder of the cache: ``$VAEZOO_HOME``, or else ``vaezoo`` in the XDG cache."""
    if given := os.environ.get("VAEZOO_HOME"):
        return path_in("VAEZOO_HOME", given)
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(xdg):  # XDG says to ignore a relative path
        return Path(xdg, "vaezoo")
    try:
        return Path.home() / ".cache" / "vaezoo"
    except RuntimeError:  # a user without a home folder
        return Path(tempfile.gettempdir(), f"vaezoo-{_user()}")


def _user() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else 0


def seeds() -> tuple[Path, ...]:
    """Returns the read-only folders of ``$VAEZOO_SEEDS``."""
    return tuple(path_in("VAEZOO_SEEDS", f) for f in os.environ.get("VAEZOO_SEEDS", "").split(os.pathsep) if f)


@final
class Store:
    """A cache of blobs.

    Args:
        folder: Folder of the cache. None means :func:`home`.
        seeded: Further folders, which are only read. None means :func:`seeds`.
        patience_s: Seconds to wait for another process that makes no progress.
    """

    def __init__(
        self, folder: Path | None = None, seeded: tuple[Path, ...] | None = None, patience_s: float = partial.PATIENCE_S
    ) -> None:
        self.folder = home() if folder is None else folder
        self.seeded = seeds() if seeded is None else seeded
        self.patience_s = patience_s

    def path_of(self, sha256: str) -> Path:
        """Returns the path that a blob has, or would have."""
        return self.folder / "blobs" / sha256

    def read(self, sha256: str, cards: Mapping[str, str] | None = None) -> tuple[Path, bytes] | None:
        """Returns the path and bytes of a blob of the cache or a seed folder; None if there is none with its hash.

        Args:
            sha256: Hash of the blob.
            cards: Names of the cards it is for, by plugin, which are recorded beside it.
        """
        own = self.path_of(sha256)
        for path in (own, *(f / name for f in self.seeded for name in (f"blobs/{sha256}", sha256))):
            try:
                content = read_regular(path)
            except OSError:
                continue
            if hashlib.sha256(content).hexdigest() == sha256:
                if path == own:
                    known = self._look(own)
                    if known.status != "ok" or not (cards or {}).items() <= known.cards.items():
                        _note(own, {**known.cards, **(cards or {})})
                return path, content
            warnings.warn(f"vaezoo: {path} is no longer what its name says, so it is not used", stacklevel=2)
            if path == own:
                self._quarantine(own, sha256)
        return None

    def fill(
        self, sha256: str, size: int, filler: Filler, cards: Mapping[str, str] | None = None
    ) -> tuple[Path, bytes]:
        """Returns a blob. If the cache does not have it, it is fetched from a source, once for all waiting processes.

        If the cache cannot be written, the blob is fetched for this call only, with a warning.

        Args:
            sha256: Hash of the blob.
            size: Size of the blob in bytes.
            filler: Source: function that completes a partial file.
            cards: Names of the cards it is for, by plugin, which are recorded beside it.

        Raises:
            HashMismatch: The source delivers another file, which is put into quarantine.
            StoreError: There is not enough space.
        """
        with self._writable() as folder:
            work = folder / "partial"
            with partial.turn(work, sha256, self.patience_s):
                if found := self.read(sha256, cards):
                    return found
                with partial.claimed(work, sha256) as part:
                    free, needed = shutil.disk_usage(work).free, size - part.stat().st_size + SPARE_BYTES
                    if free < needed:
                        raise StoreError(
                            f"{self.folder} needs {needed / 2**20:.0f} MiB of free space, it has {free / 2**20:.0f}",
                            value=free,
                        )
                    content = self._filled(part, sha256, size, filler)
                    if folder == self.folder:
                        self._adopt(part, sha256, cards)
                    else:
                        part.unlink()
        return self.path_of(sha256), content

    def _filled(self, part: Path, sha256: str, size: int, filler: Filler) -> bytes:
        """Returns the bytes from a source. Fetches them again from the start if pieces did not fit together."""
        for _ in range(2):
            pieced = filler(part, size)
            content = part.read_bytes()
            found = hashlib.sha256(content).hexdigest()
            if found == sha256:
                return content
            if not pieced:
                break
            os.truncate(part, 0)
        self._quarantine(part, sha256)
        raise HashMismatch(f"sha256 {found} instead of {sha256}", value=found)

    def add(self, source: Path, sha256: str, cards: Mapping[str, str] | None = None) -> bool:
        """Copies a file into the cache if it has the hash and the cache lacks it. Returns whether it did.

        Args:
            source: Path of the file.
            sha256: Hash of the blob.
            cards: Names of the cards it is for, by plugin, which are recorded beside it.

        Raises:
            HashMismatch: The file has another hash.
            StoreError: There is not enough space.
            OSError: The file cannot be read.
        """
        if self.path_of(sha256).is_file() and self.read(sha256, cards):
            return False

        def copy(part: Path, size: int) -> bool:
            shutil.copyfile(source, part)
            return False

        self.fill(sha256, source.stat().st_size, copy, cards)
        return True

    def blobs(self) -> list[Blob]:
        """Lists the blobs of the cache, without checking hashes."""
        return [self._look(p) for p in sorted(self.folder.glob("blobs/*")) if len(p.name) == 64 and p.is_file()]

    def dead(self) -> list[Path]:
        """Lists the files left by dead downloads, and those in quarantine."""
        work, aside = (self.folder / name for name in ("partial", "quarantine"))
        sound = [folder for folder in (work, aside) if folder.is_dir() and not _is_foreign(folder)]
        left = partial.leftovers(work, 0) if work in sound else []
        return [*left, *(sorted(aside.glob("*")) if aside in sound else ())]

    def remove(self, path: Path) -> None:
        """Removes a file of the cache, with its sidecar."""
        for each in (_sidecar(path), path):
            with suppress(FileNotFoundError):
                remove(each)

    def _look(self, path: Path) -> Blob:
        found = path.stat()
        try:
            known = json.loads(_sidecar(path).read_text(encoding="utf-8"))
            same = (known["size_bytes"], known["mtime_ns"]) == (found.st_size, found.st_mtime_ns)
            cards = {str(owner): str(name) for owner, name in dict(known.get("cards", {})).items()}
            return Blob(path.name, path, found.st_size, str(known["verified"]), "ok" if same else "changed", cards)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Blob(path.name, path, found.st_size, None, "unverified")

    @contextmanager
    def _writable(self) -> Iterator[Path]:
        """Context manager that gives the cache's folder, cleaned up; or a temporary one if that cannot be written."""
        try:
            _make_own(self.folder)
            for name in ("blobs", "partial", "quarantine"):
                _make_own(self.folder / name)
            tempfile.TemporaryFile(dir=self.folder / "partial").close()
            with suppress(FileExistsError), (self.folder / "CACHEDIR.TAG").open("x", encoding="utf-8") as tag:
                tag.write(TAG)
        except OSError as error:
            warnings.warn(
                f"vaezoo: {self.folder} cannot be written ({error.strerror}), so nothing is kept", stacklevel=2
            )
            with tempfile.TemporaryDirectory(prefix="vaezoo-") as once:
                Path(once, "partial").mkdir()
                yield Path(once)
            return
        sweep(self.folder / "blobs")
        for path in partial.leftovers(self.folder / "partial"):
            with suppress(OSError):
                self.remove(path)
        yield self.folder

    def _adopt(self, part: Path, sha256: str, cards: Mapping[str, str] | None) -> None:
        """Moves a file with the right hash among the blobs, completely or not at all even if the power fails."""
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        blob = self.path_of(sha256)
        os.replace(part, blob)
        flush_folder(blob.parent)
        _note(blob, cards or {})

    def _quarantine(self, path: Path, sha256: str) -> None:
        """Moves a file with a wrong hash into quarantine, in place of the last one."""
        place = self.folder / "quarantine" / sha256
        with suppress(OSError):
            place.parent.mkdir(exist_ok=True)
            os.replace(path, place)
        with suppress(OSError):  # if it cannot be moved
            self.remove(path)


def _make_own(folder: Path) -> None:
    """Creates a folder of the cache. In a public place it is private. Raises OSError if it is another user's.

    Everybody may write into the temporary folder, so another user may have created the folder first, or a link that
    leads to our files.
    """
    beside = next(parent for parent in folder.parents if parent.exists())
    public = bool(beside.stat().st_mode & stat.S_IWOTH)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700 if public else 0o777, exist_ok=True)
    if _is_foreign(folder, public):
        raise PermissionError(errno.EPERM, "it may belong to another user", str(folder))


def _is_foreign(folder: Path, public: bool = False) -> bool:
    """Says whether a folder is another user's link, or in a public place not private."""
    found = folder.lstat()
    link, ours = stat.S_ISLNK(found.st_mode), found.st_uid in (_user(), 0)
    return (link and not ours) or (public and (link or not ours or bool(found.st_mode & _OTHERS_WRITE)))


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _note(blob: Path, cards: Mapping[str, str]) -> None:
    """Writes a blob's sidecar with the time of this check, if it can be written."""
    with suppress(OSError, StoreError):
        found = blob.stat()
        verified = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        text = json.dumps({"size_bytes": found.st_size, "mtime_ns": found.st_mtime_ns, "verified": verified,
                           "cards": dict(cards)})  # fmt: skip
        write_whole(_sidecar(blob), text.encode(), flush=False)

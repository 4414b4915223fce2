"""Completing a partial file over https, with retries when the response breaks off. `store` checks the hash."""

from __future__ import annotations

import json
import os
import random
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaezoo.errors import ConfigError, NetworkError, SizeMismatch, StoreError
from vaezoo.store.connection import connect, shown
from vaezoo.store.progress import bar

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
CHUNK = 2**18
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
ADVANCE = 2**20
"""Number of new bytes after which a failed try does not count."""


@dataclass(frozen=True)
class Patience:
    """Timeouts and retries of downloads.

    Attributes:
        timeout_s: Timeout in seconds, for a connection and for each further byte.
        tries: Number of tries before giving up.
        pause_s: Pause in seconds before the second try. It doubles each time.
        longest_s: Longest pause in seconds that a server's ``Retry-After`` can demand.
        slowest: Lowest rate in bytes per second. A response that stays below it for ``timeout_s`` is broken off.
    """

    timeout_s: float = 20.0
    tries: int = 4
    pause_s: float = 0.5
    longest_s: float = 60.0
    slowest: float = 1024.0


def patience() -> Patience:
    """Returns the default timeouts, or those with the timeout of ``$VAEZOO_TIMEOUT``, in seconds.

    Raises:
        ConfigError: The variable is not a positive number.
    """
    given = os.environ.get("VAEZOO_TIMEOUT")
    if not given:
        return Patience()
    try:
        timeout = float(given)
    except ValueError:
        timeout = -1.0
    if not 0 < timeout < 1e6:
        raise ConfigError(f"Expected VAEZOO_TIMEOUT as a positive number of seconds, got {given!r}.", value=given)
    return Patience(timeout_s=timeout)


class _BrokeOff(Exception):
    """A failed try that may succeed when repeated.

    Args:
        cause: Reason.
        after_s: Pause in seconds that the server demands.
    """

    def __init__(self, cause: str, after_s: float = 0.0) -> None:
        super().__init__(cause)
        self.after_s = after_s


def download(url: str, part: Path, size: int, waits: Patience | None = None) -> bool:
    """Completes a partial file, starting at its end.

    Args:
        url: URL: ``https``, or ``http`` on this machine.
        part: Path of the partial file. Nobody but the caller may write it.
        size: Final size in bytes.
        waits: Timeouts and retries. None means :func:`patience`.

    Returns:
        Whether the file was put together from more than one response.

    Raises:
        NetworkError: The server cannot be reached, refuses, or breaks off repeatedly.
        SizeMismatch: The server's file has another size.
        StoreError: The disk cannot store it.
    """
    from urllib3.exceptions import HTTPError, SSLError

    waits = waits or patience()
    if part.stat().st_size > size:
        os.truncate(part, 0)
    pieced, failed, furthest = part.stat().st_size > 0, 0, part.stat().st_size
    with bar(shown(url).rpartition("/")[2], size) as tell:
        while part.stat().st_size < size:
            pieced = pieced or part.stat().st_size > 0
            try:
                _piece(url, part, size, waits, tell)
                continue
            except _BrokeOff as error:
                cause, after = str(error), error.after_s
            except SSLError as error:
                if _is_about_a_certificate(error):
                    raise NetworkError(f"no secure connection: {_first(error)}", value=url) from error
                cause, after = _first(error), 0.0
            except (HTTPError, OSError) as error:
                cause, after = _first(error), 0.0
            reached = part.stat().st_size
            failed = 1 if reached >= furthest + ADVANCE else failed + 1
            furthest = max(furthest, reached)
            if failed >= waits.tries or after > waits.longest_s:
                asks = f", it asks to wait {after:.0f} s" if after else ""
                raise NetworkError(f"{cause}{asks} ({failed} tries, {reached} of {size} bytes)", value=url)
            time.sleep(max(after, min(8.0, waits.pause_s * 2 ** (failed - 1)) * random.uniform(0.5, 1)))
    return pieced


def _piece(url: str, part: Path, size: int, waits: Patience, tell: Any) -> None:
    """Appends one response to a partial file; raises as :func:`download` does, or `_BrokeOff`."""
    have, etag = part.stat().st_size, _etag_of(part, url)
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if etag:
            headers["If-Range"] = etag
    answer = connect(url, headers, waits.timeout_s)
    try:
        _check(answer, part, have, size, url)
        try:
            with _opened(part, "ab" if answer.status == 206 else "wb") as file:
                since, from_ = time.monotonic(), file.tell()
                while data := answer.read1(CHUNK):
                    if file.tell() + len(data) > size:
                        os.truncate(part, 0)
                        raise SizeMismatch(f"more than the {size} bytes of the card", value=url)
                    _write(file, data)
                    tell(file.tell())
                    took, got = time.monotonic() - since, file.tell() - from_
                    if took > waits.timeout_s:
                        if got < took * waits.slowest:
                            raise _BrokeOff(f"no more than {got} bytes in {took:.0f} s")
                        since, from_ = time.monotonic(), file.tell()
        except _Disk as error:
            raise StoreError(f"{part} cannot be written: {error}", value=str(part)) from error
    finally:
        answer.close()
    if part.stat().st_size < size:
        raise _BrokeOff("the answer ends early")


def _is_about_a_certificate(error: BaseException | None) -> bool:
    """Says whether certificates prevent a connection, so that a second try is useless; not for a broken line."""
    import ssl

    return isinstance(error, ssl.CertificateError) or (
        error is not None and any(_is_about_a_certificate(e) for e in error.args if isinstance(e, BaseException))
    )


class _Disk(Exception):
    """An error of the disk, as opposed to one of the network."""


def _opened(part: Path, mode: str) -> Any:
    """Opens a file unbuffered: what a full disk refused is then not written again on closing."""
    try:
        return open(part, mode, buffering=0, opener=lambda path, flags: os.open(path, flags | _NO_LINK, 0o644))
    except OSError as error:
        raise _Disk(error.strerror) from error


def _write(file: Any, data: bytes) -> None:
    left = memoryview(data)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError as error:
        raise _Disk(error.strerror) from error


def _check(answer: BaseHTTPResponse, part: Path, have: int, size: int, url: str) -> None:
    """Raises if a response has neither the rest of the file nor all of it."""
    status, said = answer.status, answer.headers
    if status in TRANSIENT:
        raise _BrokeOff(f"HTTP {status}", _retry_after(said.get("Retry-After", "")))
    if status == 416 and have:
        os.truncate(part, 0)
        raise _BrokeOff("HTTP 416: it has no such bytes")
    if status not in (200, 206):
        raise NetworkError(f"HTTP {status} {answer.reason or ''}".rstrip(), value=url)
    if said.get("Content-Encoding", "identity").lower() != "identity":
        raise NetworkError(f"an answer in {said['Content-Encoding']}, which was not asked for", value=url)
    length = said.get("Content-Length", "")
    expected = size
    if status == 206:
        expected = size - have
        if said.get("Content-Range", "").replace(" ", "") not in (
            f"bytes{have}-{size - 1}/{size}",
            f"bytes{have}-{size - 1}/*",
        ):
            os.truncate(part, 0)
            raise _BrokeOff(f"HTTP 206 with the wrong bytes, {said.get('Content-Range')!r}")
    stated = length.isascii() and length.isdigit()
    if (stated and length.lstrip("0") != str(expected)) or (not length and _is_page(said)):
        what = f"{length[:20]} bytes where {expected} were expected" if length else "no length"
        if _is_page(said):
            raise NetworkError(f"a web page instead of the file, {what}", value=url)
        raise SizeMismatch(what, value=url)
    _remember(part, url, said.get("ETag", ""))


def _is_page(said: Any) -> bool:
    return str(said.get("Content-Type", "")).lower().startswith("text/html")


def _retry_after(text: str) -> float:
    """Returns the pause in seconds that a ``Retry-After`` header demands, as a number or a date."""
    if text.isascii() and text.strip().isdigit():
        return float(text)
    with suppress(ValueError, TypeError, OverflowError, IndexError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    return 0.0


def _note_of(part: Path) -> Path:
    return part.with_name(part.name.partition(".")[0] + ".from.json")


def _remember(part: Path, url: str, etag: str) -> None:
    """Records which response a partial file holds, for ``If-Range``. If the record is lost, the hash still protects."""
    with suppress(OSError):
        _note_of(part).unlink(missing_ok=True)  # a link there would be written through
        with _note_of(part).open("x", encoding="utf-8") as file:
            json.dump({"url": url, "etag": etag}, file)


def _etag_of(part: Path, url: str) -> str | None:
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        known = json.loads(_note_of(part).read_text(encoding="utf-8"))
        if known["url"] == url and re.fullmatch(r'"[\x21\x23-\x7e]*"', known["etag"]):
            return str(known["etag"])
    return None


def _first(error: Exception) -> str:
    """Returns the first line of an error, without the objects that it names."""
    said = str(error.args[0]) if error.args and isinstance(error.args[0], str) else str(error)
    text = re.sub(r"<[^>]*>[:,]? ?|\w+\(host=.*?\): ", "", said).strip().partition("\n")[0]
    return text or type(error).__name__

"""The same downloads against a real nginx, and over a line in front of it that breaks."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from vaezoo.errors import HashMismatch, NetworkError, VaezooError
from vaezoo.store import download
from vaezoo.store.store import Store
from vaezoo.zoo.weights import locate

from .conftest import FAST, card, files, told
from .nginx import Nginx, running
from .proxy import Line, breaking
from .server import BODY, HALF, SHA256

Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="session", params=["http", "https"])
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with running(tmp_path_factory.mktemp("nginx"), secure=request.param == "https") as nginx:
        yield nginx


@pytest.fixture
def nginx(real: Nginx, monkeypatch: pytest.MonkeyPatch) -> Nginx:
    monkeypatch.setenv("SSL_CERT_FILE", str(real.folder / "ca.crt"))
    real.file.write_bytes(BODY)
    real.forget()
    return real


@pytest.fixture
def line(nginx: Nginx) -> Iterator[Line]:
    """A line to nginx that breaks after half the file; below TLS it sees no requests."""
    with breaking(nginx.port, HALF, None if nginx.secure else b"w.safetensors") as line:
        yield line


def over(nginx: Nginx, line: Line) -> str:
    return nginx.url.replace(f":{nginx.port}", f":{line.port}") + "/w.safetensors"


@pytest.mark.parametrize("place", ["", "/slow", "/whole", "/untagged", "/moved"])
def test_it_gives_the_file(nginx: Nginx, store: Store, place: str) -> None:
    """Also where it is slow, knows no ranges, has no ETag, or sends one on; gzip is on and not asked for."""
    path, content = locate(card(f"{nginx.url}{place}/w.safetensors"))
    assert content == BODY and path == store.path_of(SHA256)
    assert nginx.seen()[-1][3:] == (200, len(BODY))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("401", "HTTP 401 Unauthorized"),
        ("403", "HTTP 403 Forbidden"),
        ("404", "HTTP 404 Not Found"),
        ("429", "HTTP 429, it asks to wait 9999 s"),
        ("500", r"HTTP 500 \(3 tries"),
        ("503", r"HTTP 503 \(3 tries"),
        ("loop", "more than 8 redirects"),
        ("page", "a web page instead of the file"),
        ("squeezed", "an answer in gzip, which was not asked for"),
        ("locked", "HTTP 401"),
    ],
)
def test_what_it_refuses(nginx: Nginx, place: str, message: str) -> None:
    url = f"{nginx.url}/{place}/w.safetensors"
    with pytest.raises(NetworkError, match=message) as caught:
        locate(card(url))
    assert url in str(caught.value)
    assert locate(card(url, f"{nginx.url}/w.safetensors"))[1] == BODY


def test_it_asks_to_come_back_later(nginx: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request in three seconds is let through; the second has to wait, and does."""
    monkeypatch.setattr(download, "patience", lambda: replace(FAST, longest_s=5))
    url = f"{nginx.url}/often/{time.monotonic_ns()}"
    os.link(nginx.file, nginx.folder / "www" / url.rpartition("/")[2])
    locate(card(url, sha256=SHA256))
    os.unlink(Store().path_of(SHA256))
    begun = time.monotonic()
    assert locate(card(url))[1] == BODY and time.monotonic() - begun > 2.9
    assert [row[3] for row in nginx.seen()] == [200, 429, 200]


def test_a_password_of_the_url_opens_it(nginx: Nginx) -> None:
    assert locate(card(nginx.url.replace("://", "://me:se%40cret@") + "/locked/w.safetensors"))[1] == BODY


def test_https_does_not_lead_down_to_http(nginx: Nginx) -> None:
    url = f"{nginx.url}/down/w.safetensors"
    if not nginx.secure:
        assert locate(card(url))[1] == BODY
        return
    with pytest.raises(NetworkError, match=f"it leads from https to http://127.0.0.1:{nginx.plain}"):
        locate(card(url))


def test_its_certificate_is_worth_what_its_authority_is(nginx: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    if not nginx.secure:
        with pytest.raises(NetworkError, match=r"SSL|tries"):
            locate(card(f"https://127.0.0.1:{nginx.port}/w.safetensors"))
        return
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(NetworkError, match=r"no secure connection: .*certificate"):
        locate(card(f"{nginx.url}/w.safetensors"))
    assert nginx.seen() == []


def begin(store: Store, spawn: Spawn, url: str, nbytes: int = 2**20) -> int:
    """Lets a process download a MiB or more, kills it, and returns how many bytes it left."""
    process = spawn(url)
    end = time.monotonic() + 40
    while sum(p.stat().st_size for p in store.folder.glob("partial/*.part")) < nbytes:
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (part,) = store.folder.glob("partial/*.part")
    return part.stat().st_size


def test_a_killed_download_is_resumed(nginx: Nginx, store: Store, spawn: Spawn) -> None:
    have = begin(store, spawn, f"{nginx.url}/slow/w.safetensors")
    nginx.forget()
    assert 2**20 <= have < len(BODY)
    assert told(spawn(f"{nginx.url}/slow/w.safetensors"))["sha256"] == SHA256
    _, range_, if_range, status, sent = nginx.seen()[-1]
    assert (range_, status, sent) == (f"bytes={have}-", 206, len(BODY) - have) and if_range.startswith('"')
    assert sent < len(BODY)


def test_another_place_of_the_same_server_goes_on_there(nginx: Nginx, store: Store, spawn: Spawn) -> None:
    have = begin(store, spawn, f"{nginx.url}/slow/w.safetensors")
    nginx.forget()
    locate(card(f"{nginx.url}/w.safetensors"))
    assert nginx.seen()[-1][1:] == (f"bytes={have}-", "", 206, len(BODY) - have)


@pytest.mark.parametrize("change", ["touched", "other bytes", "knows no ranges"])
def test_a_file_that_changed_meanwhile_is_begun_anew(nginx: Nginx, store: Store, spawn: Spawn, change: str) -> None:
    """nginx's ETag is time and size: If-Range then gives the whole file."""
    place = "whole" if change == "knows no ranges" else "slow"
    if change == "other bytes":
        nginx.file.write_bytes(BODY[::-1])
    begin(store, spawn, f"{nginx.url}/slow/w.safetensors")
    if change != "knows no ranges":
        nginx.file.write_bytes(BODY)
        os.utime(nginx.file, (1, 1))
    nginx.forget()
    assert locate(card(f"{nginx.url}/{place}/w.safetensors"))[1] == BODY
    assert nginx.seen()[-1][3:] == (200, len(BODY))


def test_other_bytes_and_no_etag_cost_a_second_download(nginx: Nginx, store: Store, spawn: Spawn) -> None:
    nginx.file.write_bytes(BODY[::-1])
    begin(store, spawn, f"{nginx.url}/slow/w.safetensors")
    nginx.file.write_bytes(BODY)
    nginx.forget()
    assert locate(card(f"{nginx.url}/untagged/w.safetensors"))[1] == BODY
    assert [row[3] for row in nginx.seen() if "untagged" in row[0]] == [206, 200]


def test_a_shorter_file_than_the_part_is_a_416_and_begun_anew(nginx: Nginx, store: Store, spawn: Spawn) -> None:
    begin(store, spawn, f"{nginx.url}/slow/w.safetensors")
    nginx.file.write_bytes(BODY[:1000])
    with pytest.raises(HashMismatch, match=f"1000 bytes where {len(BODY)} were expected"):
        locate(card(f"{nginx.url}/untagged/w.safetensors"))
    assert [row[3] for row in nginx.seen() if "untagged" in row[0]] == [416, 200]
    nginx.file.write_bytes(BODY)
    assert locate(card(f"{nginx.url}/untagged/w.safetensors"))[1] == BODY


def test_a_drip(nginx: Nginx, monkeypatch: pytest.MonkeyPatch) -> None:
    """100 bytes a second after the first MiB; the next source has the rest."""
    monkeypatch.setattr(download, "patience", lambda: replace(FAST, timeout_s=1.2, tries=1))
    assert locate(card(f"{nginx.url}/drip/w.safetensors", f"{nginx.url}/w.safetensors"))[1] == BODY
    path, _, _, status, sent = nginx.seen()[-1]
    assert path == "/w.safetensors" and status == 206 and sent <= len(BODY) - 2**20


def test_eight_processes_ask_it_once(nginx: Nginx, spawn: Spawn) -> None:
    processes = [spawn(f"{nginx.url}/slow/w.safetensors") for _ in range(8)]
    assert {told(process)["sha256"] for process in processes} == {SHA256}
    assert [row[3:] for row in nginx.seen()] == [(200, len(BODY))]


PASSING = ["cut", "reset", "stall", "drip", "headonly", "midhead", "unanswered"]


@pytest.mark.parametrize("fault", PASSING)
def test_a_line_that_breaks_once(
    nginx: Nginx, line: Line, store: Store, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if nginx.secure and fault in ("headonly", "midhead", "unanswered"):
        line.at, fault = {"headonly": 1500, "midhead": 700, "unanswered": 0}[fault], "cut"  # handshake, then nothing
    monkeypatch.setattr(download, "patience", lambda: replace(FAST, timeout_s=0.5))
    line.play(fault, "good")
    assert locate(card(over(nginx, line)))[1] == BODY
    assert files(store, "partial") == files(store, "quarantine") == []
    if not nginx.secure and fault in ("cut", "stall", "drip"):  # a reset may take back what was not yet read
        first, second = line.ranges()
        assert first is None and int((second or "")[6:-1]) >= HALF - 2**18
    sent = [row[4] for row in nginx.seen() if row[3] == 206]
    assert all(n < len(BODY) for n in sent)


@pytest.mark.parametrize("fault", PASSING)
def test_a_line_that_breaks_every_time(
    nginx: Nginx, line: Line, store: Store, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if nginx.secure and fault in ("headonly", "midhead", "unanswered"):
        line.at, fault = {"headonly": 1500, "midhead": 700, "unanswered": 0}[fault], "cut"
    line.at = min(line.at, 2**16)
    monkeypatch.setattr(download, "patience", lambda: replace(FAST, timeout_s=0.3))
    line.play(fault)
    with pytest.raises(NetworkError, match=r"\(3 tries, \d+ of"):
        locate(card(over(nginx, line)))
    assert files(store, "blobs") == files(store, "quarantine") == []
    assert locate(card(over(nginx, line), f"{nginx.url}/w.safetensors"))[1] == BODY


def test_a_line_that_is_cut_within_the_length(nginx: Nginx, line: Line, store: Store) -> None:
    """Python's http.client takes the end of the line for the end of the headers, and 314 for 3145745."""
    if nginx.secure:
        pytest.skip("below TLS nothing is seen of headers")
    line.play("midlength")
    with pytest.raises(HashMismatch, match=f": 314 bytes where {len(BODY)} were expected"):
        locate(card(over(nginx, line)))
    assert locate(card(over(nginx, line), f"{nginx.url}/w.safetensors"))[1] == BODY


@pytest.mark.parametrize("fault", ["flip", "double"])
def test_a_line_that_spoils_bytes(nginx: Nginx, line: Line, store: Store, fault: str) -> None:
    """In the clear only the hash sees it; TLS sees it itself, and what was right is kept."""
    line.play(fault)
    line.at = 2**16
    with pytest.raises(VaezooError) as caught:
        locate(card(over(nginx, line)))
    assert isinstance(caught.value, NetworkError if nginx.secure else HashMismatch)
    assert files(store, "blobs") == []
    line.play(fault, "good")
    url = over(nginx, line)
    if nginx.secure:
        assert locate(card(url))[1] == BODY
    else:
        assert locate(card(url, url))[1] == BODY

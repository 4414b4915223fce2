"""What a server can answer: never a wrong byte, and an error that says what happened."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest

from vaezoo.errors import HashMismatch, NetworkError, SizeMismatch, VaezooError, WeightsError
from vaezoo.store import download
from vaezoo.store.store import Store
from vaezoo.zoo.weights import locate

from . import server as server_module
from .conftest import FAST, card, files
from .server import BODY, HALF, SHA256, Faults


def hurry(monkeypatch: pytest.MonkeyPatch, play: str) -> None:
    """Waits less for a server that says nothing."""
    if play in ("stall", "silent", "drip"):
        monkeypatch.setattr(download, "patience", lambda: replace(FAST, timeout_s=0.2))


@pytest.mark.parametrize(
    "plays",
    [
        ["good"],
        ["bare"],
        ["cut", "good"],
        ["cutbare", "good"],
        ["reset", "good"],
        ["stall", "good"],
        ["silent", "good"],
        ["drip", "good"],
        ["garbage", "good"],
        ["code_429", "good"],
        ["code_500", "good"],
        ["code_503", "good"],
        ["later_1", "good"],
        ["cut", "full"],
        ["cut", "changed"],
        ["cut", "code_416", "good"],
        ["cut", "206wrong", "good"],
        ["cut", "206lie", "good"],
        ["flipcut", "good"],
        ["206wrong", "good"],
        ["code_503", "reset", "good"],
    ],
    ids="-".join,
)
def test_a_fault_that_passes(server: Faults, store: Store, plays: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch, plays[0])
    path, content = locate(card(server.at(*plays)))
    assert content == BODY and path == store.path_of(SHA256) and path.read_bytes() == BODY
    assert files(store, "partial") == files(store, "quarantine") == []
    assert [blob.status for blob in store.blobs()] == ["ok"] and (store.folder / "CACHEDIR.TAG").is_file()
    before = len(server.seen)
    assert locate(card(server.at("good")))[1] == BODY and len(server.seen) == before


@pytest.mark.parametrize(
    ("play", "kind", "message"),
    [
        ("cut", NetworkError, "IncompleteRead.*3 tries"),
        ("cutbare", NetworkError, f"ends early .3 tries, {HALF} of {len(BODY)} bytes"),
        ("reset", NetworkError, f"{HALF} of {len(BODY)} bytes|3 tries"),
        ("stall", NetworkError, "timed out"),
        ("silent", NetworkError, "timed out"),
        ("drip", NetworkError, "no more than [0-9]+ bytes in 0 s .3 tries"),
        ("garbage", NetworkError, "3 tries"),
        ("flip", HashMismatch, f"sha256 [0-9a-f]{{64}} instead of {SHA256}"),
        ("longer", SizeMismatch, f"more than the {len(BODY)} bytes"),
        ("saidlonger", SizeMismatch, f"{len(BODY) + 4} bytes where {len(BODY)} were expected"),
        ("saidshorter", SizeMismatch, f"{HALF} bytes where {len(BODY)} were expected"),
        ("page", NetworkError, "a web page instead of the file"),
        ("pagebare", NetworkError, "a web page instead of the file, no length"),
        ("pageplain", NetworkError, "ends early"),
        ("gzip", NetworkError, "an answer in gzip"),
        ("code_204", NetworkError, "HTTP 204"),
        ("code_401", NetworkError, "HTTP 401 Unauthorized"),
        ("code_403", NetworkError, "HTTP 403 Forbidden"),
        ("code_404", NetworkError, "HTTP 404 Not Found"),
        ("code_429", NetworkError, "HTTP 429 .3 tries"),
        ("code_500", NetworkError, "HTTP 500 .3 tries"),
        ("code_503", NetworkError, "HTTP 503 .3 tries"),
        ("later_9999", NetworkError, "HTTP 429, it asks to wait 9999 s .1 tries"),
        ("loop", NetworkError, "more than 8 redirects"),
    ],
)
def test_a_fault_that_stays(
    server: Faults, store: Store, play: str, kind: type[VaezooError], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch, play)
    broken = server.at(play)
    with pytest.raises(kind, match=message) as caught:
        locate(card(broken))
    assert broken in str(caught.value) and caught.value.exit_code == (4 if issubclass(kind, HashMismatch) else 5)
    assert type(caught.value) is kind
    assert files(store, "blobs") == [] and len(server.seen) <= 9
    assert files(store, "quarantine") == ([SHA256] if play == "flip" else [])
    # the next URL is tried, whatever the first one did, and what the first one left does no harm
    assert locate(card(broken, server.at("good")))[1] == BODY


def test_every_attempt_is_listed(server: Faults) -> None:
    urls = ["pkg://no_such/x", "ftp://host/x", "http://example.org/x", "http://127.0.0.1:1/x", server.at("code_404")]
    with pytest.raises(NetworkError) as caught:
        locate(card(*urls))
    causes = ["not there", "the scheme is none of pkg, file, https, http, hf", "is not secure: https is needed"]
    for url, cause in zip(urls, [*causes, "refused", "HTTP 404"], strict=True):
        assert url in str(caught.value) and cause in str(caught.value)
    assert "vaezoo cache seed" in str(caught.value)
    with pytest.raises(HashMismatch, match=r"HTTP 404.*sha256"):
        locate(card(server.at("code_404"), server.at("flip")))
    with pytest.raises(WeightsError, match="not there"):
        locate(card("file:///no/such/file"))


def test_retry_after_is_honoured(server: Faults) -> None:
    begun = time.monotonic()
    locate(card(server.at("later_1", "good")))
    assert time.monotonic() - begun >= 1
    assert download._retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == download._retry_after("soon") == 0
    assert download._retry_after(time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3600))) > 3000


def test_a_resumed_download_asks_for_the_rest_only(server: Faults) -> None:
    url = server.at("cut", "good")
    locate(card(url))
    first, second = server.asked(url)
    assert (first.range, second.range, second.if_range) == (None, f"bytes={HALF}-", '"one"')
    assert second.sent == len(BODY) - HALF


def test_another_source_goes_on_where_the_first_broke_off(server: Faults) -> None:
    first, second = server.at("cut", "code_404"), server.at("good")
    locate(card(first, second))
    assert [r.range for r in server.asked(second)] == [f"bytes={HALF}-"] and not server.asked(second)[0].if_range


def test_dots_in_a_url_lead_nowhere_on_this_machine(server: Faults, store: Store) -> None:
    for tail in ("/../../../../etc/passwd", "/%2e%2e/%2e%2e/x", "/..%2f..%2fx", "/a/./../b"):
        with pytest.raises(NetworkError, match="HTTP 404"):
            locate(card(server.url + tail))
    for url in ("pkg://vaezoo/../pyproject.toml", "pkg://vaezoo/%2e%2e/x", "pkg://vaezoo/%2Fetc/passwd"):
        with pytest.raises(WeightsError, match="not there"):
            locate(card(url))
    assert {p.name for p in store.folder.iterdir()} == {"CACHEDIR.TAG", "blobs", "partial", "quarantine"}


def test_a_slow_drip_is_no_reason_to_wait_for_ever(server: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes in time, and the whole would take hours; what came is kept, and the next source goes on there."""
    monkeypatch.setattr(download, "patience", lambda: replace(FAST, timeout_s=0.2))
    drips, good = server.at("drip"), server.at("good")
    assert locate(card(drips, good))[1] == BODY
    have = int((server.asked(good)[0].range or "")[6:-1])
    assert have > HALF and server.asked(good)[0].sent == len(BODY) - have


def test_a_slow_line_is_waited_for(server: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "patience", lambda: replace(FAST, timeout_s=0.2, slowest=1024))
    monkeypatch.setattr(server_module, "HALF", 0)
    assert locate(card(server.at(f"drip_{len(BODY) // 12}")))[1] == BODY  # 0.6 s, three times the limit
    assert len(server.seen) == 1


ODD = ("\xb2", "9" * 5000, "-1", "12abc", "1e3", "\x00")


@pytest.mark.parametrize("value", ODD, ids=ascii)
def test_a_length_that_makes_no_sense(server: Faults, value: str) -> None:
    """A superscript two is a digit to Python, and no number."""
    try:
        assert locate(card(server.at(f"odd_Content-Length_{value}"), server.at("good")))[1] == BODY
    except VaezooError as error:
        pytest.fail(f"the good source was not reached: {error}")


@pytest.mark.parametrize(
    "value", [*ODD, "Wed, 99 Foo 99999 99:99:99 GMT", "Mon, 01 Jan 0001 00:00:00 +2359"], ids=ascii
)
def test_a_retry_after_that_makes_no_sense(server: Faults, value: str) -> None:
    with pytest.raises(NetworkError, match="HTTP 429"):
        locate(card(server.at(f"odd_Retry-After_{value}")))


@pytest.mark.parametrize(
    "value", ["https://[", "http://[::1", "//a:b/", "https://\xe9\xe9/", "", "\x00", "javascript:x"]
)
def test_a_redirect_that_makes_no_sense(server: Faults, value: str) -> None:
    with pytest.raises(NetworkError, match=r"is no URL|redirects|is not secure|tries"):
        locate(card(server.at(f"odd_Location_{value}")))


@pytest.mark.parametrize(
    "url", ["https://[", "https://[::1", "https://me:secret@[/w?token=secret", "pkg://[", "http://127.0.0.1:x/w"]
)
def test_a_url_that_is_none(server: Faults, url: str) -> None:
    with pytest.raises(VaezooError, match="no URL") as caught:
        locate(card(url))
    assert "secret" not in str(caught.value)
    assert locate(card(url, server.at("good")))[1] == BODY


HEAD = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\nETag: "one"\r\nContent-Type: text/plain\r\n\r\n' % len(BODY)


@pytest.mark.parametrize("seed", range(60))
def test_an_answer_with_spoilt_headers(server: Faults, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three bytes of the answer's head are others: the right bytes come, or a named error."""
    monkeypatch.setattr(download, "patience", lambda: replace(FAST, timeout_s=0.3, tries=1))
    chance = random.Random(seed)
    head = bytearray(HEAD)
    for _ in range(3):
        head[chance.randrange(len(head))] = chance.randrange(256)
    server.raw = bytes(head) + BODY
    try:
        assert locate(card(server.at("raw")))[1] == BODY
    except VaezooError as error:
        assert error.exit_code in (4, 5)


def test_a_bad_timeout_is_refused(monkeypatch: pytest.MonkeyPatch, server: Faults) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("VAEZOO_TIMEOUT", "soon")
    with pytest.raises(VaezooError, match="Expected VAEZOO_TIMEOUT as a positive number of seconds, got 'soon'"):
        download.patience()
    monkeypatch.setenv("VAEZOO_TIMEOUT", "2.5")
    assert download.patience().timeout_s == 2.5

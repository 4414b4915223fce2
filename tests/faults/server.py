"""A server that breaks on request, on loopback: each path plays a list of faults, one a request, the last for ever."""

from __future__ import annotations

import gzip
import hashlib
import random
import re
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BODY = random.Random(0).randbytes(3 * 2**20 + 17)
SHA256 = hashlib.sha256(BODY).hexdigest()
HALF = len(BODY) // 2
ETAG = '"one"'
PAGE = b"<html>Please log in</html>"


@dataclass
class Request:
    path: str
    range: str | None
    if_range: str | None
    headers: dict[str, str]
    sent: int = 0


@dataclass
class Faults:
    """What the server plays and what it saw."""

    plays: dict[str, list[str]] = field(default_factory=dict)
    seen: list[Request] = field(default_factory=list)
    url: str = ""
    go_on: threading.Event = field(default_factory=threading.Event)
    patience_s: float = 20
    halfway: threading.Event = field(default_factory=threading.Event)
    elsewhere: str = ""
    tunnel: tuple[str, int] | None = None
    raw: bytes = b""
    hub: str | None = None  # the ETag of its files

    def at(self, *plays: str) -> str:
        """Returns a URL that plays these."""
        path = f"/{len(self.plays)}-{plays[0].partition('_')[0]}/w.safetensors"
        self.plays[path] = list(plays)
        return self.url + path

    def asked(self, url: str) -> list[Request]:
        return [request for request in self.seen if self.url + request.path == url]


def lowered(headers: Message) -> dict[str, str]:
    return {key.lower(): value for key, value in headers.items()}


class Handler(BaseHTTPRequestHandler):
    faults: Faults

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        """What the hub's protocol asks first is answered well, if this is to be a hub."""
        if self.faults.hub is None:
            return self.do_GET()
        self.request_seen = Request(self.path, None, None, {})
        headers = {"Content-Length": len(BODY), "ETag": f'"{self.faults.hub}"', "X-Repo-Commit": "b" * 40}
        self.say(200, {**headers, "Accept-Ranges": "bytes"})

    def do_GET(self) -> None:
        get = self.headers.get
        self.request_seen = Request(self.path, get("Range"), get("If-Range"), lowered(self.headers))
        self.faults.seen.append(self.request_seen)
        plays = self.faults.plays.get(self.path, ["code_404"])
        name, *rest = (plays.pop(0) if len(plays) > 1 else plays[0]).split("_")
        try:
            getattr(self, f"play_{name}")(*rest)
        except OSError:
            self.close_connection = True

    def say(self, status: int, headers: dict[str, object], body: bytes = b"") -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.write(body)

    def write(self, body: bytes) -> None:
        self.wfile.write(body)
        self.wfile.flush()
        self.request_seen.sent += len(body)

    def play_good(self, etag: str = ETAG) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.request_seen.range or "")
        start = int(asked[1]) if asked and self.request_seen.if_range in (None, etag) else 0
        if start >= len(BODY):
            return self.say(416, {"Content-Range": f"bytes */{len(BODY)}", "Content-Length": 0})
        headers: dict[str, object] = {"Content-Length": len(BODY) - start, "ETag": etag}
        if not start:
            return self.say(200, headers, BODY)
        self.say(206, {**headers, "Content-Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"}, BODY[start:])

    def play_changed(self) -> None:
        self.play_good('"two"')

    def play_full(self) -> None:
        self.say(200, {"Content-Length": len(BODY)}, BODY)

    def play_bare(self) -> None:
        self.say(200, {}, BODY)

    def play_cut(self) -> None:
        self.say(200, {"Content-Length": len(BODY), "ETag": ETAG}, BODY[:HALF])

    def play_cutbare(self) -> None:
        self.say(200, {}, BODY[:HALF])

    def play_reset(self) -> None:
        self.play_cut()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def play_stall(self) -> None:
        self.play_cut()
        self.faults.halfway.set()
        self.faults.go_on.wait(self.faults.patience_s)

    def play_silent(self) -> None:
        self.faults.go_on.wait(self.faults.patience_s)

    def play_slow(self) -> None:
        """Gives the second half when it is told to."""
        self.play_cut()
        self.faults.halfway.set()
        self.faults.go_on.wait(self.faults.patience_s)
        self.write(BODY[HALF:])

    def play_drip(self, bytes_each: str = "20") -> None:
        """A first half, then a few bytes twenty times a second."""
        self.play_cut()
        for at in range(HALF, len(BODY), int(bytes_each)):
            self.write(BODY[at : at + int(bytes_each)])
            if self.faults.go_on.wait(0.05):
                break

    def play_upto(self, end: str) -> None:
        """As good, but stops before a byte of the file until it is told to go on."""
        start = int((self.request_seen.range or "bytes=0-")[6:-1])
        span = {"Content-Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"} if start else {}
        headers = {"Content-Length": len(BODY) - start, "ETag": ETAG, **span}
        self.say(206 if start else 200, headers, BODY[start : int(end)])
        self.faults.halfway.set()
        self.faults.go_on.wait(self.faults.patience_s)

    def play_raw(self) -> None:
        self.write(self.faults.raw)
        self.close_connection = True

    def play_odd(self, header: str, value: str) -> None:
        """One header that makes no sense beside an otherwise good answer, or a 429, or a redirect."""
        status = {"Retry-After": 429, "Location": 302}.get(header, 200)
        body = BODY if status == 200 else b""
        self.say(status, {"Content-Length": len(body), header: value} if body else {header: value}, body)

    def play_flip(self) -> None:
        wrong = bytearray(BODY)
        wrong[HALF] ^= 1
        self.say(200, {"Content-Length": len(BODY)}, bytes(wrong))

    def play_flipcut(self) -> None:
        """A first half with a flipped byte, which will be resumed."""
        self.say(200, {"Content-Length": len(BODY)}, bytes([BODY[0] ^ 1]) + BODY[1:HALF])

    def play_longer(self) -> None:
        self.say(200, {}, BODY + b"more")

    def play_saidlonger(self) -> None:
        self.say(200, {"Content-Length": len(BODY) + 4}, BODY + b"more")

    def play_saidshorter(self) -> None:
        self.say(200, {"Content-Length": HALF}, BODY[:HALF])

    def play_page(self) -> None:
        self.say(200, {"Content-Type": "text/html; charset=utf-8", "Content-Length": len(PAGE)}, PAGE)

    def play_pagebare(self) -> None:
        self.say(200, {"Content-Type": "text/html"}, PAGE)

    def play_pageplain(self) -> None:
        self.say(200, {}, PAGE)

    def play_gzip(self) -> None:
        body = gzip.compress(BODY[:99])
        self.say(200, {"Content-Encoding": "gzip", "Content-Length": len(body)}, body)

    def play_code(self, code: str) -> None:
        self.say(int(code), {"Content-Length": 4}, b"None")

    def play_later(self, seconds: str) -> None:
        self.say(429, {"Retry-After": seconds, "Content-Length": 0})

    def play_loop(self) -> None:
        self.say(302, {"Location": self.path, "Content-Length": 0})

    def play_elsewhere(self) -> None:
        self.say(302, {"Location": self.faults.elsewhere, "Content-Length": 0})

    def play_206wrong(self) -> None:
        """Other bytes than were asked for, and it says so."""
        self.say(206, {"Content-Range": f"bytes 0-{len(BODY) - 1}/{len(BODY)}"}, BODY)

    def play_206lie(self) -> None:
        """Other bytes than were asked for, under the right header."""
        start = int((self.request_seen.range or "bytes=0-")[6:-1])
        self.say(206, {"Content-Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"}, BODY[: len(BODY) - start])

    def play_garbage(self) -> None:
        self.write(b"\x00\x01nonsense\r\n\r\n")

    def play_hub(self, body: str = "right") -> None:
        """As the hub's protocol has it."""
        content = BODY if body == "right" else b"\x00" * len(BODY)
        headers = {"Content-Length": len(content), "ETag": f'"{"a" * 40}"', "X-Repo-Commit": "b" * 40}
        self.say(200, headers, content)

    def do_CONNECT(self) -> None:
        """Is a proxy: whatever is asked for, it is the tunnel's other end that answers."""
        self.faults.seen.append(Request(self.path, None, None, lowered(self.headers)))
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(self.faults.tunnel or ("", 0)) as other:
            back = threading.Thread(target=pump, args=(other, self.connection), daemon=True)
            back.start()
            pump(self.connection, other)
            back.join(5)


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(2**16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Faults]:
    """Runs a server; with a certificate (and key, in one file) it speaks TLS."""
    faults = Faults()
    server = Quiet(("127.0.0.1", 0), type("Bound", (Handler,), {"faults": faults}))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    faults.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield faults
    finally:
        faults.go_on.set()
        server.shutdown()
        server.server_close()

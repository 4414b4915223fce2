"""A line that breaks on request: forwards TCP to a real server, and spoils the bytes of the bodies that come back.

Each GET whose path ends as the file does plays one fault, the last for ever. Below TLS nothing is seen of requests, so
there each connection plays one, and bytes are counted from the connection's first.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Line:
    """What the proxy plays and what it saw.

    Attributes:
        at: After how many bytes of a body a fault begins.
        suffix: Of the paths whose answers are spoilt; None spoils every connection, unseen.
    """

    at: int
    suffix: bytes | None = b"w.safetensors"
    plays: list[str] = field(default_factory=lambda: ["good"])
    port: int = 0
    heads: list[str] = field(default_factory=list)
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def play(self, *plays: str) -> None:
        self.plays[:] = plays

    def ranges(self) -> list[str | None]:
        """The Range header of each spoilt GET."""
        found = []
        for head in self.heads:
            lines = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head.splitlines())}
            found.append(lines.get("range"))
        return found


class Broken(Exception):
    """The line is cut on purpose."""


class Connection:
    """One connection, and its other half."""

    def __init__(self, line: Line, client: socket.socket, server: socket.socket) -> None:
        self.line, self.client, self.server = line, client, server
        self.fault, self.head, self.body = "good", b"", 0
        self.in_body = False
        if line.suffix is None:
            self.fault, self.in_body = self.next(), True

    def next(self) -> str:
        return self.line.plays.pop(0) if len(self.line.plays) > 1 else self.line.plays[0]

    def upward(self) -> None:
        with suppress(OSError):
            while data := self.client.recv(2**16):
                if self.line.suffix is not None:
                    self.fault, self.head, self.body, self.in_body = "good", b"", 0, False
                    method, _, rest = data.partition(b" ")
                    if method == b"GET" and rest.partition(b" ")[0].partition(b"?")[0].endswith(self.line.suffix):
                        self.line.heads.append(data.decode("latin-1"))
                        self.fault = self.next()
                        if self.fault == "unanswered":
                            break
                self.server.sendall(data)
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR if self.fault == "unanswered" else socket.SHUT_WR)

    def downward(self) -> None:
        try:
            while data := self.server.recv(2**14):
                self.forward(data)
        except (OSError, Broken):
            pass
        finally:
            for end in (self.client, self.server):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def forward(self, data: bytes) -> None:
        if not self.in_body:
            self.head += data
            head, blank, data = self.head.partition(b"\r\n\r\n")
            if not blank:
                return
            self.in_body = True
            ends = {"midhead": 30, "midlength": head.lower().find(b"content-length: ") + 19}
            if self.fault in ends:
                self.client.sendall(head[: ends[self.fault]])
                raise Broken
            self.client.sendall(head + blank)
            if self.fault == "headonly":
                raise Broken
        before, self.body = self.body, self.body + len(data)
        here = self.line.at - before
        over = here < 0 and self.fault in ("flip", "double")
        if self.fault == "good" or here >= len(data) or over:
            self.client.sendall(data)
        else:
            getattr(self, self.fault)(data, max(here, 0))

    def cut(self, data: bytes, here: int) -> None:
        self.client.sendall(data[:here])
        self.line.reached.set()
        raise Broken

    def reset(self, data: bytes, here: int) -> None:
        self.client.sendall(data[:here])
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.close()
        raise Broken

    def stall(self, data: bytes, here: int) -> None:
        self.client.sendall(data[:here])
        self.line.reached.set()
        self.line.go_on.wait(20)
        self.client.sendall(data[here:])
        self.fault = "good"

    def drip(self, data: bytes, here: int) -> None:
        self.client.sendall(data[:here])
        for at in range(here, len(data), 10):
            self.client.sendall(data[at : at + 10])
            if self.line.go_on.wait(0.02):
                raise Broken

    def flip(self, data: bytes, here: int) -> None:
        self.client.sendall(data[:here] + bytes([data[here] ^ 1]) + data[here + 1 :])

    def double(self, data: bytes, here: int) -> None:
        """Some bytes come twice, so what follows comes later, and too much in all."""
        self.client.sendall(data[: here + 1] + data[max(0, here - 50) :])


@contextmanager
def breaking(target: int, at: int, suffix: bytes | None = b"w.safetensors") -> Iterator[Line]:
    """Runs a proxy in front of a port of this machine."""
    line = Line(at, suffix)
    door = socket.create_server(("127.0.0.1", 0), backlog=64)
    line.port = door.getsockname()[1]

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = door.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", target))
                except OSError:
                    client.close()
                    continue
                connection = Connection(line, client, server)
                for way in (connection.upward, connection.downward):
                    threading.Thread(target=way, daemon=True).start()

    porter = threading.Thread(target=serve, daemon=True)
    porter.start()
    try:
        yield line
    finally:
        line.go_on.set()
        with suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)  # closing alone wakes nobody who waits at it
        porter.join(5)
        door.close()

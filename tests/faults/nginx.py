"""A real nginx on loopback, with a certificate of a certificate authority of its own. Nothing of it is simulated."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from .server import BODY, PAGE

CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; {user}
events {{ worker_connections 128; }}
http {{
  client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;
  uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
  log_format seen escape=none '$uri|$http_range|$http_if_range|$status|$body_bytes_sent';
  access_log {folder}/access.log seen;
  gzip on; gzip_types *; gzip_min_length 1;
  limit_req_zone $uri zone=often:1m rate=20r/m;
  ssl_certificate {folder}/leaf.crt; ssl_certificate_key {folder}/leaf.key;
  server {{
    listen 127.0.0.1:{port}; {tls}
    root {folder}/www;
    location /slow/ {{ alias {folder}/www/; limit_rate_after 1m; limit_rate 1m; }}
    location /drip/ {{ alias {folder}/www/; limit_rate_after 1m; limit_rate 100; }}
    location /whole/ {{ alias {folder}/www/; max_ranges 0; }}
    location /untagged/ {{ alias {folder}/www/; etag off; }}
    location /squeezed/ {{ alias {folder}/squeezed/; add_header Content-Encoding gzip; }}
    location /page/ {{ default_type text/html; return 200 "{page}"; }}
    location /401/ {{ return 401; }}  location /403/ {{ return 403; }}  location /500/ {{ return 500; }}
    location /503/ {{ return 503; }}
    location /429/ {{ add_header Retry-After 9999 always; return 429; }}
    location /often/ {{ alias {folder}/www/; limit_req zone=often; limit_req_status 429; error_page 429 = @later; }}
    location @later {{ add_header Retry-After 3 always; return 429; }}
    location /loop/ {{ return 302 /loop/w.safetensors; }}
    location /moved/ {{ return 301 /w.safetensors; }}
    location /down/ {{ return 302 http://127.0.0.1:{plain}/w.safetensors; }}
    location /locked/ {{ alias {folder}/www/; auth_basic "weights"; auth_basic_user_file {folder}/users; }}
  }}
  server {{ listen 127.0.0.1:{plain}; root {folder}/www; }}
}}
"""


@dataclass
class Nginx:
    """A server that runs.

    Attributes:
        folder: What is its own.
        port: Where it speaks TLS if it has a certificate.
        plain: Where it never does.
        secure: Whether it has a certificate.
    """

    folder: Path
    port: int
    plain: int
    secure: bool

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}"

    @property
    def file(self) -> Path:
        return self.folder / "www" / "w.safetensors"

    def seen(self) -> list[tuple[str, str, str, int, int]]:
        """Path, Range, If-Range, status and bytes of the body of each request that has ended, as nginx logs it."""
        time.sleep(0.1)
        rows = [line.split("|") for line in (self.folder / "access.log").read_text().splitlines()]
        return [(path, range_, if_range, int(status), int(sent)) for path, range_, if_range, status, sent in rows]

    def forget(self) -> None:
        os.truncate(self.folder / "access.log", 0)


def free_ports(count: int) -> list[int]:
    doors = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [door.getsockname()[1] for door in doors]
    for door in doors:
        door.close()
    return ports


def sign(folder: Path) -> None:
    """Makes a certificate authority, ca.crt, and a certificate that it signs, leaf.crt."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command, to make certificates")
    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for command in (
        f"req -x509 {key} -days 2 -subj /CN=authority -keyout ca.key -out ca.crt",
        f"req {key} -subj /CN=weights -keyout leaf.key -out leaf.csr",
        "x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out leaf.crt",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)


@contextmanager
def running(folder: Path, *, secure: bool) -> Iterator[Nginx]:
    """Runs nginx; skips the test, with the reason, where there is none."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if not program:
        pytest.skip("needs nginx: apt-get install nginx-light")
    sign(folder)
    for name in ("www", "tmp", "squeezed"):
        (folder / name).mkdir()
    nginx = Nginx(folder, *free_ports(2), secure)
    nginx.file.write_bytes(BODY)
    (folder / "squeezed" / "w.safetensors").write_bytes(gzip.compress(BODY))
    (folder / "users").write_text("me:{PLAIN}se@cret\n")
    text = CONFIGURATION.format(
        folder=folder, port=nginx.port, plain=nginx.plain, page=PAGE.decode(),
        user="user root;" if os.geteuid() == 0 else "", tls="ssl on;" if secure else "",
    )  # fmt: skip
    text = text.replace(f"127.0.0.1:{nginx.port}; ssl on;", f"127.0.0.1:{nginx.port} ssl;")
    (folder / "nginx.conf").write_text(text)
    command = [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for_port(process, nginx.port)
            yield nginx
        finally:
            process.terminate()


def wait_for_port(process: subprocess.Popen[str], port: int, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise AssertionError(f"it ended: {process.communicate()[1]}")
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"nobody listens at port {port} after {seconds} s")

"""Who is spoken to: certificates, redirects, proxies, mirrors, passwords."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from vaezoo.errors import ConfigError, NetworkError
from vaezoo.store.schemes import mirrored
from vaezoo.zoo.weights import locate

from .conftest import card
from .server import BODY, SHA256, Faults, serving


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate that signs itself, in one file."""
    if not shutil.which("openssl"):
        pytest.skip("needs the openssl command, to make a certificate")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    names = "subjectAltName=DNS:weights.test,IP:127.0.0.1"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=weights.test"
    command += f" -addext {names} -keyout {path}.key -out {path}.crt"
    subprocess.run(command.split(), check=True, capture_output=True)
    path.write_bytes(Path(f"{path}.key").read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.fixture
def secure(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    for name in ("SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    with serving(certificate) as faults:
        yield faults


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_of_the_environment_are_trusted(
    secure: Faults, certificate: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv(variable, f"{certificate}.crt")
    assert locate(card(secure.at("cut", "good")))[1] == BODY


def test_a_certificate_nobody_vouches_for(secure: Faults, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(NetworkError, match=r"no secure connection: .*(certificate|CERTIFICATE)"):
        locate(card(secure.at("good")))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none"))
    with pytest.raises(NetworkError, match="none, which is not there"):
        locate(card(secure.at("good")))
    assert secure.seen == []


def test_a_redirect_from_https_to_http_is_not_followed(secure: Faults, server: Faults) -> None:
    secure.elsewhere = server.at("good")
    with pytest.raises(NetworkError, match=r"it leads from https to http://127.0.0.1"):
        locate(card(secure.at("elsewhere")))
    server.elsewhere = "http://weights.invalid/w"
    with pytest.raises(NetworkError, match=r"http://weights.invalid/w is not secure"):
        locate(card(server.at("elsewhere")))
    assert len(server.seen) == 1


def test_a_password_goes_to_its_own_host_only_and_is_not_printed(secure: Faults, server: Faults) -> None:
    server.elsewhere = secure.at("good") + "?signature=secret"
    secure.plays[server.elsewhere.removeprefix(secure.url)] = ["good"]
    url = server.at("elsewhere").replace("://", "://me:se%40cret@")
    assert locate(card(url))[1] == BODY
    assert server.seen[0].headers["authorization"] == "Basic " + base64.b64encode(b"me:se@cret").decode()
    assert "authorization" not in secure.seen[0].headers
    with pytest.raises(NetworkError) as caught:
        locate(card(url.replace("elsewhere/w", "elsewhere/none") + "?token=secret", sha256="0" * 64))
    assert "/none.safetensors: HTTP 404" in str(caught.value)
    assert "secret" not in str(caught.value) and "%40cret" not in str(caught.value)


def test_a_proxy_of_the_environment(secure: Faults, server: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    host, port = secure.url.removeprefix("https://").split(":")
    server.tunnel = (host, int(port))
    url = secure.at("good").replace(f"{host}:{port}", "weights.test")
    monkeypatch.setenv("HTTPS_PROXY", server.url.replace("://", "://me:pass@"))
    assert locate(card(url))[1] == BODY
    assert server.seen[0].path == "weights.test:443"
    assert server.seen[0].headers["proxy-authorization"] == "Basic " + base64.b64encode(b"me:pass").decode()


def test_this_machine_is_reached_without_proxy(server: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert locate(card(server.at("good")))[1] == BODY


def test_a_mirror_takes_the_place_of_a_prefix(server: Faults, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url = server.at("good")
    monkeypatch.setenv("VAEZOO_MIRROR", f"https://a.invalid/=https://b.invalid/, https://a.invalid/x={url}")
    assert mirrored("https://a.invalid/y") == "https://b.invalid/y" and mirrored("https://c/y") == "https://c/y"
    assert locate(card("https://a.invalid/x"))[1] == BODY
    (tmp_path / "w").write_bytes(BODY)
    monkeypatch.setenv("VAEZOO_MIRROR", f"hf://org/={tmp_path.as_uri()}/")
    assert locate(card("hf://org/w", sha256=SHA256))[0] == tmp_path / "w"
    for wrong in ("https://a", "=https://b", "https://a=b"):
        monkeypatch.setenv("VAEZOO_MIRROR", wrong)
        with pytest.raises(ConfigError, match="Expected VAEZOO_MIRROR as prefix=URL, joined by commas, got"):
            mirrored("https://a/x")

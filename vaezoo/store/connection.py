"""One GET request over https, with proxies, certificates and redirects. `download` uses the response."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

from vaezoo.errors import NetworkError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

REDIRECTS = 8


def shown(url: str) -> str:
    """Returns a URL for display: without password, query or fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0].partition("#")[0].rpartition("@")[2]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def is_loopback(host: str | None) -> bool:
    """Says whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def split(url: str, base: str = "") -> SplitResult:
    """Splits a URL, which may be relative to another.

    Raises:
        NetworkError: The text is not a URL.
    """
    try:
        parts = urlsplit(urljoin(base, url) if base else url)
        _ = parts.port  # reading it validates it
    except ValueError as error:
        raise NetworkError(f"{shown(url)!r} is no URL: {error}", value=url) from error
    return parts


def connect(url: str, headers: dict[str, str], timeout_s: float) -> BaseHTTPResponse:
    """Returns the response to a GET request, after at most 8 redirects. The body has not been read.

    Args:
        url: URL: ``https``, or ``http`` on this machine. A user and password in it are sent to its own host only.
        headers: Headers of the request.
        timeout_s: Timeout in seconds, for the connection and for each further byte.

    Raises:
        NetworkError: A URL or redirect is invalid or not secure, or there are too many redirects.
        urllib3.exceptions.HTTPError: The connection fails.
    """
    from urllib3 import Timeout, make_headers

    first = here = split(url)
    for _ in range(REDIRECTS + 1):
        if here.scheme != "https" and not (here.scheme == "http" and is_loopback(here.hostname)):
            raise NetworkError(
                f"{shown(here.geturl())} is not secure: https is needed, except on this machine", value=here.geturl()
            )
        sent = {"User-Agent": "vaezoo", **headers}
        if first.username and (here.scheme, here.hostname, here.port) == (first.scheme, first.hostname, first.port):
            sent |= make_headers(basic_auth=unquote(first.netloc.rpartition("@")[0]))
        bare = urlunsplit(here._replace(netloc=here.netloc.rpartition("@")[2], fragment=""))
        answer = _pool(here.scheme, here.hostname or "").request(
            "GET",
            bare,
            headers=sent,
            timeout=Timeout(connect=timeout_s, read=timeout_s),
            preload_content=False,
            decode_content=False,
            redirect=False,
            retries=False,
        )
        if answer.status not in (301, 302, 303, 307, 308):
            return answer
        answer.close()
        target = split(answer.headers.get("Location", ""), bare)
        if here.scheme == "https" and target.scheme != "https":
            raise NetworkError(f"it leads from https to {shown(target.geturl())}", value=target.geturl())
        here = target
    raise NetworkError(f"more than {REDIRECTS} redirects, the last to {shown(here.geturl())}", value=here.geturl())


def _pool(scheme: str, host: str) -> PoolManager:
    """Returns the connection pool for a host, with proxy and certificates from the environment."""
    from urllib.request import getproxies, proxy_bypass

    from urllib3 import PoolManager, ProxyManager, make_headers

    options: dict[str, Any] = {}
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if bundle and not os.environ.get("SSL_CERT_FILE"):  # which OpenSSL reads by itself
        if not os.path.exists(bundle):
            raise NetworkError(f"REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names {bundle}, which is not there", value=bundle)
        options["ca_cert_dir" if os.path.isdir(bundle) else "ca_certs"] = bundle
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or is_loopback(host) or proxy_bypass(host):
        return PoolManager(**options)
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    login = unquote(urlsplit(proxy).netloc.rpartition("@")[0])
    return ProxyManager(proxy, proxy_headers=make_headers(proxy_basic_auth=login) if login else None, **options)

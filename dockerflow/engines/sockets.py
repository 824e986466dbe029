"""How the Docker SDK connects to a remote host: soon or not at all, and such that a dead link is noticed.

The SDK gives one time-out for a whole request, none for a stream, and sets nothing on its sockets. So a host whose
link is cut would be waited for as long as TCP does, which is a quarter of an hour where something is to be sent, and
for ever where nothing is.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import docker
import requests
from docker.tls import TLSConfig
from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection, UnixHTTPConnectionPool
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

# Seconds for a connection to be there.
CONNECT = 10.0

# A connection on which nothing was heard for so many seconds is asked for a sign of life every so many, and broken
# when it owes as many of them; so is one that has not taken what was sent for as long as all that.
_IDLE, _EVERY, _OWED = 5, 5, 2
_UNTAKEN = 1000 * (_IDLE + _EVERY * _OWED)

# Not all systems have all of them, or call them the same.
_WANTED = {
    ("TCP_KEEPIDLE", "TCP_KEEPALIVE"): _IDLE,
    ("TCP_KEEPINTVL",): _EVERY,
    ("TCP_KEEPCNT",): _OWED,
    ("TCP_USER_TIMEOUT",): _UNTAKEN,
}

_POOL = 32

# Seconds until the next try to connect to a socket whose queue is full.
_FULL = 0.005

# What every engine understands that the SDK does; only its version is asked in it.
_ANY = "1.40"


def socket_options() -> list[tuple[int, int, int]]:
    """As `socket.setsockopt` takes them."""
    found = [(next((n for n in names if hasattr(socket, n)), None), value) for names, value in _WANTED.items()]
    return [
        *HTTPConnection.default_socket_options,
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *((socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in found if name),
    ]


def tcp_client(url: str, tls: TLSConfig | None) -> docker.DockerClient:
    """By TLS, or without. Raises what the SDK raises; so does `unix_client`."""
    try:
        return _client(url, tls, lambda: {"https://" if tls else "http://": _Tcp()})
    except requests.exceptions.ConnectionError as error:
        raise (_refusal(url, tls) if tls else None) or error from error


def unix_client(path: str) -> docker.DockerClient:
    """To a socket of this machine, at whose other end there may be another machine."""
    return _client(
        f"unix://{path}", None, lambda: {"http+docker://": _Unix(f"http+unix://{path}", max_pool_size=_POOL)}
    )


def _refusal(url: str, tls: TLSConfig) -> ssl.SSLError | None:
    """What a server says that takes no connection from us. It checks who we are when for us TLS stands already: so a
    request that is under way by then may lose its answer, and the reason with it."""
    place = urlsplit(url)
    context = ssl.create_default_context(cafile=tls.ca_cert)
    if not tls.verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        if tls.cert:
            context.load_cert_chain(*tls.cert)
        plain = socket.create_connection((place.hostname or "", place.port or 0), CONNECT)
        with context.wrap_socket(plain, server_hostname=place.hostname) as wrapped:
            wrapped.recv(1)
    except ssl.SSLError as error:
        return error
    except OSError:
        return None
    return None


def _client(url: str, tls: TLSConfig | None, adapters: Callable[[], Mapping[str, HTTPAdapter]]) -> docker.DockerClient:
    """Speaks the version that the engine has. The SDK can ask for it only before it can be told how to connect."""
    asking = _speaking(url, tls, adapters(), _ANY)
    try:
        version = str(asking.api.version(api_version=False)["ApiVersion"])
    finally:
        asking.close()
    return _speaking(url, tls, adapters(), version)


def _speaking(
    url: str, tls: TLSConfig | None, adapters: Mapping[str, HTTPAdapter], version: str
) -> docker.DockerClient:
    client = docker.DockerClient(url, version=version, tls=tls or False)
    for scheme, adapter in adapters.items():
        client.api.mount(scheme, adapter)
    # No proxy is on the way, and no other authority is to be trusted than the one that is given. To look for one goes
    # through all variables at each request, which fails in a thread while another changes one.
    client.api.trust_env = False
    return client


class _Tcp(HTTPAdapter):
    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=_POOL)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, socket_options=socket_options())

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """The SDK gives one time-out for a whole request."""
        found = options.get("timeout")
        reading = found[1] if isinstance(found, tuple) else found
        return super().send(request, *arguments, **{**options, "timeout": (CONNECT, reading)})


class _Unix(UnixHTTPAdapter):
    def get_connection(self, url: Any, proxies: Any = None) -> Any:
        with self.pools.lock:
            if url not in self.pools:
                self.pools[url] = _Pool(url, self.socket_path, self.timeout, maxsize=self.max_pool_size)
            return self.pools[url]


class _Pool(UnixHTTPConnectionPool):
    def _new_conn(self) -> Any:
        timeout: Any = self.timeout
        return _Connection(self.base_url, self.socket_path, timeout)


class _Connection(UnixHTTPConnection):
    def connect(self) -> None:
        """As the SDK does, but where many connect at once and the queue of the socket is full, it waits."""
        deadline = time.monotonic() + CONNECT
        while True:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            made.settimeout(self.timeout)
            try:
                made.connect(self.unix_socket)
            except BlockingIOError:
                made.close()
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_FULL)
            except BaseException:
                made.close()
                raise
            else:
                self.sock = made
                return

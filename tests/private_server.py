"""A server on this machine that gives its files only to those who know a secret.

    with PrivateServer(folder, "basic") as server:
        channel = server.url

`how` is `basic` (a user's name and password), `bearer` (a token in a header) or `path` (a conda token:
`/t/<token>/…`). What was asked for is kept, so that a test can see whether the secret was used.
"""

from __future__ import annotations

import base64
import threading
from contextlib import AbstractContextManager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

USER = "somebody"
# No other text of a test, a lock or an image looks like it.
SECRET = "hushed-4be1c0"


class PrivateServer(AbstractContextManager["PrivateServer"]):
    def __init__(self, folder: Path, how: str) -> None:
        self.how = how
        self.let_in: list[str] = []  # the paths that were given
        self.turned_away: list[str] = []
        self._server = _Server(("127.0.0.1", 0), self._handler(folder))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> PrivateServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def let_nobody_in(self) -> None:
        """From now on no secret is the right one."""
        self.how = "nobody"

    def secret_in(self, authorization: str, path: str) -> bool:
        if self.how == "basic":
            return authorization == "Basic " + base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
        if self.how == "bearer":
            return authorization == f"Bearer {SECRET}"
        return self.how == "path" and path.startswith(f"/t/{SECRET}/")

    def _handler(self, folder: Path) -> type[SimpleHTTPRequestHandler]:
        private = self

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *args: object) -> None:
                super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

            def parse_request(self) -> bool:
                if not super().parse_request():
                    return False
                if private.secret_in(self.headers.get("Authorization", ""), self.path):
                    if private.how == "path":
                        self.path = self.path.removeprefix(f"/t/{SECRET}")
                    private.let_in.append(self.path)
                    return True
                private.turned_away.append(self.path)
                self.send_response(401)
                if private.how == "basic":
                    self.send_header("WWW-Authenticate", 'Basic realm="private"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return False

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has heard enough hangs up."""

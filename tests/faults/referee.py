"""A server of the test's that tasks on remote hosts tell what they do, and ask whether they may go on.

It has one address for each host: a task tries all of them, and only that of its own host's link answers.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

# Put into a flow, with REFEREES replaced by the addresses.
IN_A_FLOW = '''
import time, urllib.parse, urllib.request

def asked(path):
    """What the test answers; None while it is out of reach."""
    for url in REFEREES:
        try:
            with urllib.request.urlopen(url + path, timeout=2) as answer:
                return answer.read().decode()
        except OSError:
            pass

def tell(*words):
    while asked("/tell/" + urllib.parse.quote(" ".join(map(str, words)))) is None:
        time.sleep(0.1)
'''


@dataclass(frozen=True)
class Told:
    words: str
    address: str  # of the host from which it was told


class Referee:
    """`/gate` answers `shut` or `open`; what is told at `/tell/…` is kept."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self._changed = threading.Condition()
        self._told: list[Told] = []
        self._is_open = False

    def urls(self, addresses: list[str]) -> list[str]:
        return [f"http://{address}:{self._server.server_port}" for address in addresses]

    def open(self) -> None:
        with self._changed:
            self._is_open = True

    def told(self) -> list[Told]:
        with self._changed:
            return [*self._told]

    def words(self) -> Counter[str]:
        return Counter(told.words for told in self.told())

    def wait(self, holds: Callable[[Counter[str]], bool], seconds: float) -> bool:
        """Whether it holds of the words that were told, as soon as it does."""
        with self._changed:
            return self._changed.wait_for(lambda: holds(Counter(told.words for told in self._told)), seconds)

    def answer(self, path: str, address: str) -> str:
        with self._changed:
            if path.startswith("/tell/"):
                self._told.append(Told(unquote(path.removeprefix("/tell/")), address))
                self._changed.notify_all()
            return "open" if self._is_open else "shut"


@contextmanager
def refereeing() -> Iterator[Referee]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = referee.answer(self.path, self.client_address[0]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with _Server(("", 0), Handler) as server:
        referee = Referee(server)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield referee
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is cut off hangs up, or never hears the answer."""

"""An engine that breaks off while it saves an image, or says in the middle why it cannot go on, is told as such."""

from __future__ import annotations

import gzip
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docker
import pytest

from dockerflow.images.base import BaseImage
from dockerflow.images.errors import BaseImageError, LoadError
from dockerflow.images.layer_cache import LayerCache
from dockerflow.images.saved import restore_from_engine

LAYER = bytes(range(256)) * 6_000


class _Engine(BaseHTTPRequestHandler):
    """Answers every question with the same bytes."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.answer)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass


def saved(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("layer.tar")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


CUT = {
    "in a header": saved(LAYER)[:100],
    "in a layer": saved(LAYER)[:1_000_000],
    "by its own words": saved(LAYER)[:1_000_000] + b'{"errorDetail":{"message":"no such blob"}}',
    "in a compressed layer": saved(gzip.compress(LAYER)[:3_000]),
    "with other bytes": saved(b"\x28\xb5\x2f\xfd" + LAYER),
}


@pytest.fixture(params=CUT)
def engine(request: pytest.FixtureRequest) -> Iterator[docker.DockerClient]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Engine) as server:
        server.block_on_close = False
        server.answer = CUT[request.param]  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = docker.DockerClient(f"tcp://127.0.0.1:{server.server_port}", version="1.41")
        yield client
        client.close()
        server.shutdown()


def test_a_cut_image_is_an_error_that_names_it_and_leaves_no_layer(engine: docker.DockerClient, tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    wanted = cache.layer("sha256:" + "0" * 64, len(LAYER), "pandas 2.2.3")
    with pytest.raises(LoadError, match="the engine failed while reading image `one`"):
        restore_from_engine(engine, "one", cache, [wanted])
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_cut_base_image_is_an_error_that_names_it(engine: docker.DockerClient, tmp_path: Path) -> None:
    diff_ids = ("sha256:" + "0" * 64,)
    base = BaseImage("debian", "sha256:1", diff_ids, "amd64", "/bin", LayerCache(tmp_path), engine)
    with pytest.raises(BaseImageError, match="`debian`"):
        base.restore()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dockerflow.images.errors import LayerDamaged
from dockerflow.images.files import new_file
from dockerflow.images.layer_cache import LayerCache, layer_key, read
from dockerflow.images.tar import LayerWriter

KEY = layer_key("test", 1)


def content(out: LayerWriter) -> None:
    out.file("opt/env/file", 0o644, 0, 3, [b"abc"])
    out.close()


def test_a_layer_is_found_by_what_went_into_it(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    assert cache.find(KEY, "t") is None
    written = cache.write(KEY, "t", content)
    assert cache.find(KEY, "t") == written
    assert b"".join(read(written)) == written.path.read_bytes()
    assert cache.find(layer_key("test", 2), "t") is None


def test_a_layer_that_is_cut_or_gone_is_not_found(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    written = cache.write(KEY, "t", content)
    written.path.write_bytes(b"cut")
    assert cache.find(KEY, "t") is None
    written.path.unlink()
    assert cache.find(KEY, "t") is None


def test_a_layer_with_changed_bytes_is_seen_when_it_is_read_and_removed(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    written = cache.write(KEY, "the title", content)
    data = bytearray(written.path.read_bytes())
    data[600] ^= 1
    written.path.write_bytes(data)
    with pytest.raises(LayerDamaged, match="the title"):
        list(read(written))
    assert cache.find(KEY, "t") is None


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)

    def fails(out: LayerWriter) -> None:
        out.directory("opt")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        cache.write(KEY, "t", fails)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_two_that_write_the_same_layer_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    together = threading.Barrier(2, timeout=30)
    written = []

    def slow(out: LayerWriter) -> None:
        together.wait()
        content(out)
        together.wait()

    threads = [threading.Thread(target=lambda: written.append(cache.write(KEY, "t", slow))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert written[0] == written[1] == cache.find(KEY, "t")
    assert len(list((tmp_path / "layers").iterdir())) == 1


def test_a_new_file_has_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    with new_file(tmp_path, "name") as new:
        new.file.write(b"half")
        assert not (tmp_path / "name").exists()
    assert (tmp_path / "name").read_bytes() == b"half"


@pytest.mark.parametrize(
    "record", ["{}", "[]", "null", "5", '"', '{"diff_id": "sha256:0", "size": 1}', '{"diff_id": 1, "size": "1"}']
)
def test_a_damaged_record_counts_as_absent(tmp_path: Path, record: str) -> None:
    cache = LayerCache(tmp_path)
    written = cache.write(KEY, "t", content)
    (tmp_path / "keys" / f"{KEY}.json").unlink()
    (tmp_path / "keys" / f"{KEY}.json").write_text(record)
    assert cache.find(KEY, "t") is None
    assert cache.write(KEY, "t", content) == written == cache.find(KEY, "t")

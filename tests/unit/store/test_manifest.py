from __future__ import annotations

import os

import numpy as np
import pytest

from dockerflow.artifacts.errors import CannotEncode
from dockerflow.store import manifest
from dockerflow.store.blobs import Blobs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import DamagedBlob, DamagedRecord
from dockerflow.store.manifest import LARGE


@pytest.fixture
def blobs(store: DirectoryStore) -> Blobs:
    return store.blobs


def test_small_artifacts_share_the_manifests_blob_and_large_ones_have_their_own(blobs: Blobs) -> None:
    own = {"small": 1, "other": "text", "large": b"x" * LARGE}
    sha256 = manifest.write(blobs, own, {})
    refs = manifest.read(blobs, sha256).artifacts
    assert {name: manifest.load(blobs, ref) for name, ref in refs.items()} == own
    assert [refs[name].blob == sha256 for name in ("small", "other", "large")] == [True, True, False]
    assert len(set(blobs.written)) == 2


def test_inherited_artifacts_are_pointed_at_and_not_copied(blobs: Blobs) -> None:
    first = manifest.read(blobs, manifest.write(blobs, {"a": 1, "b": 2}, {})).artifacts
    second = manifest.read(blobs, manifest.write(blobs, {"b": 3}, first)).artifacts
    assert second["a"] == first["a"]
    assert [manifest.load(blobs, second[name]) for name in ("a", "b")] == [1, 3]


def test_equal_values_make_equal_manifests_in_whatever_order_they_are_given(blobs: Blobs) -> None:
    assert manifest.write(blobs, {"a": 1, "b": [2]}, {}) == manifest.write(blobs, {"b": [2], "a": 1}, {})


def test_a_ref_says_what_the_artifact_is_and_what_wrote_it(blobs: Blobs) -> None:
    ref = manifest.read(blobs, manifest.write(blobs, {"a": np.arange(3)}, {})).artifacts["a"]
    assert (ref.type, ref.libraries["numpy"]) == ("numpy.ndarray", np.__version__)
    manifest.verify(blobs, ref)


def test_a_task_without_artifacts_has_a_manifest(blobs: Blobs) -> None:
    assert manifest.read(blobs, manifest.write(blobs, {}, {})).artifacts == {}


def test_arrays_are_aligned_in_the_blob_and_loaded_without_a_copy(blobs: Blobs) -> None:
    values = {"small": np.arange(10.0), "large": np.arange(100_000.0)}
    refs = manifest.read(blobs, manifest.write(blobs, values, {})).artifacts
    assert refs["small"].offset % 64 == 0
    array = manifest.load(blobs, refs["large"])
    assert array.ctypes.data % 64 == 0
    assert not array.flags.owndata
    array[0] = 7
    assert manifest.load(blobs, refs["large"])[0] == 0


def test_an_artifact_that_cannot_be_stored_is_named(blobs: Blobs) -> None:
    with pytest.raises(CannotEncode, match="artifact `bad` cannot be stored"):
        manifest.write(blobs, {"good": 1, "bad": lambda: 1}, {})


def test_a_blob_that_is_no_manifest_is_named(blobs: Blobs) -> None:
    for content in (
        b"",
        b"something else",
        manifest.MAGIC + b"\5\0\0\0\0\0\0\0{}",
        manifest.MAGIC + b"\2\0\0\0\0\0\0\0[]",
    ):
        sha256 = blobs.put([content])
        with pytest.raises(DamagedRecord, match=sha256):
            manifest.read(blobs, sha256)


def test_a_large_blob_that_is_cut_off_is_named(blobs: Blobs) -> None:
    ref = manifest.read(blobs, manifest.write(blobs, {"a": os.urandom(3 << 20)}, {})).artifacts["a"]
    path = blobs.path(ref.blob)
    path.chmod(0o644)
    os.truncate(path, 2 << 20)
    with pytest.raises(DamagedBlob, match=ref.blob):
        manifest.load(blobs, ref)

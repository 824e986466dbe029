"""The log of an attempt as a blob."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerflow.store import log
from dockerflow.store.blobs import PIECE, Blobs
from dockerflow.store.errors import DamagedBlob, DamagedRecord
from dockerflow.store.records import LogLine


def test_a_log_of_several_pieces_is_read_as_it_was_written(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    lines = [LogLine(float(number), "stderr", "é" * 10_000, ended=number % 3 > 0) for number in range(PIECE // 20_000)]
    sha256 = log.write(blobs, lines)
    assert blobs.size(sha256) > 2 * PIECE
    assert list(log.read(blobs, sha256)) == lines


def test_a_log_with_other_bytes_than_were_written_is_a_damaged_blob_and_no_log_a_damaged_record(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    sha256 = log.write(blobs, [LogLine(1.0, "stdout", "one")])
    (file,) = (path for path in tmp_path.rglob(sha256) if path.is_file())
    file.chmod(0o644)
    file.write_bytes(b"{ no log\n")
    with pytest.raises(DamagedBlob):
        list(log.read(blobs, sha256))
    with pytest.raises(DamagedRecord):
        list(log.read(blobs, blobs.put([b"{ no log\n"])))


@given(st.builds(LogLine, st.floats(0, 1e11), st.sampled_from(["stdout", "stderr"]), st.text(), st.booleans()))
def test_a_stored_line_is_the_json_that_json_writes(line: LogLine) -> None:
    row = [line.time, {"stdout": "o", "stderr": "e"}[line.stream], line.text, *([] if line.ended else [0])]
    assert log.encode_lines([line]) == json.dumps(row, separators=(",", ":")).encode() + b"\n"
    assert log.decode_lines(log.encode_lines([line])) == [line]

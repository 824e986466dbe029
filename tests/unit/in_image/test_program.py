"""The program that answers what is asked of values, in a process of its own as in a container."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dockerflow.artifacts import codec
from dockerflow.in_image import program
from dockerflow.in_image.program import SIZE
from dockerflow.store import code_package

TEXT = Path(program.__file__).read_text(encoding="utf-8")
FLOW = """
from metaflow import FlowSpec
class Model:
    def __repr__(self):
        print("printed")
        return "a model"
    def __reduce__(self):
        return Model, ()
"""


@pytest.fixture
def package(tmp_path: Path) -> bytes:
    (tmp_path / "models_of_a_flow.py").write_text(FLOW)
    return code_package.pack(tmp_path / "models_of_a_flow.py")


def framed(*contents: bytes) -> bytes:
    return b"".join(SIZE.pack(len(content)) + content for content in contents)


def encoded(value: Any) -> bytes:
    return b"".join(codec.encode(value).chunks)


def answers(said: bytes) -> list[tuple[Any, bytes]]:
    parts = []
    while said:
        (size,) = SIZE.unpack_from(said)
        parts.append(said[SIZE.size : SIZE.size + size])
        said = said[SIZE.size + size :]
    return [(json.loads(head), body) for head, body in zip(parts[::2], parts[1::2], strict=True)]


def asked(stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-I", "-B", "-c", TEXT]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60)


def test_each_question_has_an_answer_and_what_is_printed_is_none(package: bytes) -> None:
    # As the flow's own process pickles it: by the name of the file.
    pickled = b"\x80\x04cmodels_of_a_flow\nModel\n)R."
    model = codec.MAGIC + SIZE.pack(len(pickled)) + SIZE.pack(0) + pickled
    questions = [(b"value + 1", encoded(41)), (b"repr(value)", model), (b"value.x", encoded({}))]
    questions.append((b"value", encoded(b"")))
    done = asked(framed(package, *(part for question in questions for part in question)))
    (one, first), (two, second), (three, none), (_, last) = answers(done.stdout)
    assert (one["type"], codec.decode(first), two["type"], codec.decode(second)) == ("int", 42, "str", "a model")
    assert three == {"error": "'dict' object has no attribute 'x'", "type": "AttributeError"}
    assert (none, codec.decode(last)) == (b"", b"")
    assert (done.returncode, b"printed" in done.stderr, b"printed" in done.stdout) == (0, True, False)


@pytest.mark.parametrize("cut", [0, 3, 8, 100, -1])
def test_the_end_of_the_questions_is_the_end(cut: int, package: bytes) -> None:
    done = asked(framed(package, b"value", encoded(1))[:cut])
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_result_that_cannot_be_sent_is_an_answer_too(package: bytes) -> None:
    ((head, body),) = answers(asked(framed(package, b"lambda: value", encoded(1))).stdout)
    assert head["type"] == "dockerflow.artifacts.errors.CannotEncode"
    assert head["error"].startswith("artifact `result` cannot be stored")
    assert body == b""

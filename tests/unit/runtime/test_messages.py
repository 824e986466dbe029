"""What is read as a message is one: user code has run in the process that wrote it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerflow.runtime.messages import (
    HEADER,
    Answered,
    Ask,
    Broken,
    ForeachFrame,
    Inline,
    Input,
    Log,
    Message,
    Ready,
    RunTask,
    TaskResult,
    decode,
    encode,
    from_json,
)
from dockerflow.store.records import Failure, LogLine, Transition
from dockerflow.store.s3.access import Access, Answer, Lease, Presigned, Question, Refused, ToSign
from dockerflow.store.s3.place import Place

FAILURE = Failure("exception", "no", "builtins.ValueError", "Traceback", "try again")
TASK = RunTask("F", "1", "s", "2", 0, True, "abc", (Input("a", "1", "m"),), (ForeachFrame("a", "x", 1, 2, "m"),))
RESULT = TaskResult("s", "2", 0, True, "m", Transition(("a", "b"), "xs", 3), None, blobs=("m", "n"), seconds=1.5)
LOG = Log("s", "2", 0, (LogLine(1.0, "stdout", "hello"), LogLine(2, "stderr", "")))
PLACE = Place("http://host:9000", "bucket", "prefix", ca="-----BEGIN")
MESSAGES: list[Message] = [
    TASK,
    replace(TASK, fallback=FAILURE, tags=("t",), origin_run_id="0"),
    Ready("3.11.2", 0.5),
    Broken(FAILURE),
    LOG,
    RESULT,
    replace(RESULT, ok=False, failure=FAILURE, manifest=None, transition=None),
    replace(RESULT, inline=(Inline.of("ab" * 32, b"\0\xff"),)),
    Ask(7, Question()),
    Ask(8, Question(ToSign("PUT", "blobs/ab/abab", headers=(("x-amz-checksum-sha256", "=="),)))),
    Answered(0, Answer(Access(PLACE))),
    Answered(7, Answer(Access(PLACE, 3.0, Lease("key", "secret", "token", 1e9)))),
    Answered(8, Answer(signed=Presigned("http://host/?signed", (("a", "b"),)))),
    Answered(9, Answer(refused=Refused("no", "never"))),
]

MALFORMED = [
    b"",
    b"\xff",
    b"{}",
    b"1",
    b"[]",
    b'["Ready"]',
    b'["Ready", []]',
    b'["Ready", null]',
    b'["Nobody", {}]',
    b"[[], {}]",
    b"[{}, {}]",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'["Ready", {"python": "3", "seconds": NaN}]',
    b'["Ready", {"python": "3", "seconds": 1e999}]',
    b'["Ready", {"python": "3", "seconds": 1' + b"0" * 400 + b"}]",
    b'["Ready", {"python": "3", "seconds": 1' + b"0" * 10_000 + b"}]",
    b'["Ready", {"python": "3", "seconds": true}]',
    b'["Ready", {"python": 3, "seconds": 1}]',
    b'["Ready", {"python": "3"}]',
    b'["Ready", {"python": "3", "seconds": 1, "more": 1}]',
]

# A path of keys into a good message's fields, and what does not belong there.
WRONG: list[tuple[Message, list[Any], Any]] = [
    (LOG, ["lines", 0, 1], "x"),
    (LOG, ["lines", 0, 2], None),
    (LOG, ["lines", 0, 0], "now"),
    (LOG, ["lines", 0, 0], 1e300),
    (LOG, ["lines", 0, 3], 1),
    (LOG, ["lines", 0], []),
    (LOG, ["lines", 0], {}),
    (LOG, ["lines", 0], [1.0, "stdout", "five", True, 0]),
    (LOG, ["lines"], {}),
    (LOG, ["lines"], None),
    (LOG, ["task_id"], {}),
    (LOG, ["attempt"], -1),
    (LOG, ["attempt"], 0.0),
    (Broken(FAILURE), ["failure", "kind"], []),
    (Broken(FAILURE), ["failure", "message"], {}),
    (Broken(FAILURE), ["failure"], None),
    (RESULT, ["ok"], 1),
    (RESULT, ["manifest"], 5),
    (RESULT, ["blobs"], "abc"),
    (RESULT, ["blobs", 0], 5),
    (RESULT, ["transition", "steps", 0], []),
    (RESULT, ["transition", "steps"], "ab"),
    (RESULT, ["transition", "size"], -1),
    (RESULT, ["transition", "size"], 1 << 64),
    (RESULT, ["transition", "foreach"], 1),
    (RESULT, ["transition"], [1]),
    (RESULT, ["failure"], "no"),
    (RESULT, ["peak_memory"], 1.5),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_is_read_as_it_was_written(message: Message) -> None:
    assert decode(encode(message)[HEADER.size :]) == message


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: body[:40])
def test_what_is_malformed_is_a_value_error_and_nothing_else(body: bytes) -> None:
    with pytest.raises(ValueError, match="not a worker message"):
        decode(body)


@pytest.mark.parametrize(("message", "path", "value"), WRONG)
def test_a_field_of_another_type_is_refused(message: Message, path: list[Any], value: Any) -> None:
    name, fields = json.loads(encode(message)[HEADER.size :])
    place = fields
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ValueError, match="not a worker message"):
        decode(json.dumps([name, fields]).encode())


def test_a_result_that_is_malformed_is_a_value_error() -> None:
    for text in ("[" * 100_000, "[]", "{}", "null", '{"step": 1}'):
        with pytest.raises(ValueError, match="not a worker message"):
            from_json(TaskResult, text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(MESSAGES), st.data())
def test_whatever_stands_in_a_field_is_read_as_its_type_or_refused(message: Message, data: st.DataObject) -> None:
    name, fields = json.loads(encode(message)[HEADER.size :])
    fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(JSON)
    try:
        read = decode(json.dumps([name, fields]).encode())
    except ValueError:
        return
    assert decode(encode(read)[HEADER.size :]) == read


def test_nothing_secret_is_in_a_representation() -> None:
    """What is shown by mistake (in a traceback, in a log) gives nothing away."""
    lease = Lease("key", "s3cr3t-key", "s3cr3t-token", 1e9)
    for answer in (Answer(Access(PLACE, lease=lease)), Answer(signed=Presigned("http://host/?s3cr3t-signature"))):
        assert "s3cr3t" not in repr(Answered(1, answer))

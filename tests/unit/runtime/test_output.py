"""What a task prints becomes lines, and lines become batches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dockerflow.runtime.messages import Log, RunTask
from dockerflow.runtime.output import BATCH_BYTES, BATCH_SECONDS, LONGEST, PROGRESS_SECONDS, Lines, Output

TASK = RunTask("Flow", "1", "start", "1", 0, True, "", ())


def lines_of(*pieces: bytes, seconds: float = 0.0) -> list[str]:
    """The lines of a stream that arrives in pieces, `seconds` apart."""
    lines = Lines("stdout")
    found = []
    for number, piece in enumerate(pieces):
        found += lines.feed(piece, number * seconds)
    return [line.text for line in found + lines.end(len(pieces) * seconds)]


def test_lines_end_at_line_feeds_and_at_carriage_return_line_feeds() -> None:
    assert lines_of(b"one\ntwo\r\n\nfour\n") == ["one", "two", "", "four"]


def test_the_last_line_needs_no_end() -> None:
    assert lines_of(b"one\ntwo") == ["one", "two"]


def printed(*pieces: bytes) -> str:
    """The text again, as a reader puts it together."""
    lines = Lines("stdout")
    found = [line for piece in pieces for line in lines.feed(piece, 0.0)] + lines.end(0.0)
    return "".join(line.text + ("\n" if line.ended else "") for line in found)


def test_line_without_end_and_line_that_was_cut_can_be_put_together_again() -> None:
    long = "x" * (3 * LONGEST)
    for text in ("", "one", "one\n", "one\n\ntwo", f"{long}\nend", f"{long}\n", long):
        assert (
            printed(text.encode()) == printed(*(text[i : i + 999].encode() for i in range(0, len(text), 999))) == text
        )


def test_silence_is_no_line() -> None:
    assert lines_of(b"") == lines_of() == []


@given(st.lists(st.text(alphabet="ab\n€", max_size=20)), st.data())
def test_how_the_bytes_arrive_does_not_change_the_lines(texts: list[str], data: st.DataObject) -> None:
    whole = "\n".join(texts).encode()
    cut = data.draw(st.integers(0, len(whole)))
    assert lines_of(whole[:cut], whole[cut:]) == lines_of(whole) == lines_of(*(bytes([byte]) for byte in whole))


def test_a_carriage_return_and_its_line_feed_may_arrive_apart() -> None:
    assert lines_of(b"one\r", b"\ntwo\n") == ["one", "two"]


def test_bytes_that_are_no_text_are_shown_as_replaced() -> None:
    assert lines_of(b"\xff\xfe\n") == ["\ufffd\ufffd"]


def test_a_progress_bar_is_shown_once_a_second_and_at_its_end() -> None:
    steps = [b"\r%3d%%" % percent for percent in range(101)]
    shown = lines_of(*steps, b"\n", seconds=PROGRESS_SECONDS / 20)
    assert 5 <= len(shown) <= 7
    assert shown[-1] == "100%"


def test_a_line_without_end_is_cut_at_whole_characters() -> None:
    text = "x" + "€" * LONGEST
    cut = lines_of(text.encode())
    assert len(cut) > 2
    assert all(len(line.encode()) <= LONGEST for line in cut)
    assert "".join(cut) == text


def test_a_line_that_does_not_end_is_not_kept_in_memory() -> None:
    lines = Lines("stdout")
    lengths = [len(line.text) for _ in range(100) for line in lines.feed(b"x" * LONGEST, 0.0)]
    assert sum(lengths) >= 99 * LONGEST


def test_bytes_that_only_continue_characters_are_cut_as_well() -> None:
    assert sum(len(line) for line in lines_of(b"\x80" * (3 * LONGEST))) == 3 * LONGEST


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def output(sent: list[Log]) -> tuple[Output, Clock]:
    clock = Clock()
    return Output(TASK, sent.append, clock), clock


def test_the_first_line_is_sent_at_once_and_the_next_wait_for_each_other() -> None:
    sent: list[Log] = []
    out, clock = output(sent)
    out.feed("stdout", b"one\n")
    assert len(sent) == 1
    out.feed("stdout", b"two\n")
    out.feed("stderr", b"three\n")
    assert len(sent) == 1
    clock.now += BATCH_SECONDS
    assert out.due_in() == 0.0
    out.send_if_due()
    assert [(line.stream, line.text) for line in sent[1].lines] == [("stdout", "two"), ("stderr", "three")]
    assert out.due_in() is None


def test_a_batch_is_sent_when_it_is_large() -> None:
    sent: list[Log] = []
    out, _ = output(sent)
    out.feed("stdout", b"one\n")
    out.feed("stdout", b"x\n" * (BATCH_BYTES // 2))
    assert len(sent) == 2


def test_a_clock_that_is_set_back_does_not_hold_lines_up() -> None:
    out, clock = output([])
    out.feed("stdout", b"one\n")
    out.feed("stdout", b"two\n")
    clock.now -= 3600
    due = out.due_in()
    assert due is not None
    assert due <= BATCH_SECONDS


def test_the_end_sends_what_there_is() -> None:
    sent: list[Log] = []
    out, _ = output(sent)
    out.feed("stdout", b"one\ntwo")
    out.end()
    assert [line.text for log in sent for line in log.lines] == ["one", "two"]
    assert {(log.step, log.task_id, log.attempt) for log in sent} == {("start", "1", 0)}

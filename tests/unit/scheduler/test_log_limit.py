"""What is kept of a log with a limit."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dockerflow.scheduler.log_limit import LogLimit
from dockerflow.store.records import LogLine

LEFT_OUT = "are left out here"


def _kept(lines: list[LogLine], limit: int) -> list[LogLine]:
    log = LogLimit(limit)
    return [*(kept for line in lines for kept in log.admit([line])), *log.rest()]


def _numbered(count: int, stream: str = "stdout") -> list[LogLine]:
    return [LogLine(float(number), stream, f"{number:09d}") for number in range(count)]  # 10 bytes each


def test_a_log_within_its_limit_is_whole() -> None:
    lines = [line for pair in zip(_numbered(10), _numbered(10, "stderr"), strict=True) for line in pair]
    assert _kept(lines, 100) == lines


def test_of_a_longer_one_head_and_tail_are_kept_and_the_rest_is_counted() -> None:
    texts = [line.text for line in _kept(_numbered(1_000_000), 100)]
    assert texts == [
        *(f"{number:09d}" for number in range(5)),
        "[... 999,990 lines with 9,999,900 bytes are left out here: --max-log-size ...]",
        *(f"{number:09d}" for number in range(999_995, 1_000_000)),
    ]


def test_a_stream_within_its_limit_loses_nothing_to_the_other() -> None:
    errors = _numbered(10, "stderr")
    lines = [line for number, error in enumerate(errors) for line in (*_numbered(100 * number), error)]
    kept = _kept(lines, 100)
    assert [line for line in kept if line.stream == "stderr"] == errors


def test_the_last_line_is_kept_however_long_it_is() -> None:
    last = LogLine(9.0, "stdout", "x" * 1000)
    assert _kept([*_numbered(20), last], 100)[-1] == last


def test_what_is_left_out_is_told_on_a_line_of_its_own() -> None:
    lines = [LogLine(1.0, "stdout", "begun", ended=False), *_numbered(50)]
    kept = _kept(lines, 30)
    assert kept[0] == lines[0]
    assert kept[1].ended
    assert LEFT_OUT in kept[2].text


lines_of = st.lists(st.builds(LogLine, st.just(0.0), st.sampled_from(["stdout", "stderr"]), st.text(max_size=8)))


@given(lines_of, st.integers(1, 60))
def test_order_is_kept_and_only_what_is_counted_is_missing(lines: list[LogLine], limit: int) -> None:
    numbered = [LogLine(float(number), line.stream, line.text) for number, line in enumerate(lines)]
    kept = [line for line in _kept(numbered, limit) if LEFT_OUT not in line.text]
    assert [line.time for line in kept] == sorted(line.time for line in kept)
    assert set(kept) <= set(numbered)
    sizes: Counter[str] = Counter()
    for line in numbered:
        sizes[line.stream] += len(line.text.encode()) + 1
    for stream, size in sizes.items():
        if size <= limit:
            assert [line for line in kept if line.stream == stream] == [n for n in numbered if n.stream == stream]

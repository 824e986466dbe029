"""Changes of tags in an outbox: left by tasks, taken out by a worker."""

from __future__ import annotations

import os
from pathlib import Path

from dockerflow.store import asked_tags


def test_what_was_left_is_taken_once_and_in_order(tmp_path: Path) -> None:
    texts = tuple(f"change {number}" for number in range(20))
    asked_tags.leave_all(tmp_path, texts)
    (tmp_path / ("a" * 64)).write_text("a blob")
    assert asked_tags.take(str(tmp_path)) == texts
    assert asked_tags.take(str(tmp_path)) == ()
    assert os.listdir(tmp_path) == ["a" * 64]


def test_what_is_no_plain_file_of_text_is_passed_over(tmp_path: Path) -> None:
    """A task may put anything there: none of it is followed, waited for, or read without end."""
    secret = tmp_path / "secret"
    secret.write_text("of somebody else")
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    (outbox / "tags-1").symlink_to(secret)
    os.mkfifo(outbox / "tags-2")
    (outbox / "tags-3").mkdir()
    (outbox / "tags-4").write_bytes(b"\xff")
    (outbox / "tags-5").write_bytes(b"x" * (asked_tags.LARGEST + 1))
    asked_tags.leave(outbox, "a change")
    assert asked_tags.take(str(outbox))[-1] == "a change"
    assert "of somebody else" not in asked_tags.take(str(outbox))


def test_an_outbox_that_is_gone_has_nothing(tmp_path: Path) -> None:
    assert asked_tags.take(str(tmp_path / "none")) == ()


def test_what_is_sent_at_once_is_bounded(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(asked_tags, "TOGETHER", 10)
    asked_tags.leave_all(tmp_path, ["12345", "1234567", "123"])
    assert asked_tags.take(str(tmp_path)) == ("12345", "123")

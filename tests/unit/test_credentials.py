"""What counts as secret in a URL, and what is shown of it."""

from __future__ import annotations

import pytest

from dockerflow import credentials


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:hushed@host/simple", "https://***@host/simple"),
        ("https://me:hu@sh@ed@host/simple", "https://***@host/simple"),
        ("https://host/t/hushed/channel", "https://host/t/***/channel"),
        ("`https://host/x.whl?sig=hushed#sha256=1`", "`https://host/x.whl?***#sha256=1`"),
        ("https://host/a and https://me:hushed@host/b", "https://host/a and https://***@host/b"),
        ("write to me@host about https://host/simple", "write to me@host about https://host/simple"),
    ],
)
def test_secrets_in_urls_are_not_shown(text: str, shown: str) -> None:
    assert credentials.hidden(text) == shown

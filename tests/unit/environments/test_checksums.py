"""Archives whose hashes nobody tells."""

from __future__ import annotations

import pytest

from dockerflow.environments import checksums
from dockerflow.environments.errors import ChannelError


def test_an_archive_that_cannot_be_read_is_named_without_its_secrets() -> None:
    """A channel may give its packages' URLs with the token that it was asked with."""
    with pytest.raises(ChannelError) as caught:
        checksums.read("http://127.0.0.1:1/t/hushed/channel/x-1-0.conda?sig=hushed")
    assert "hushed" not in str(caught.value)
    assert "http://127.0.0.1:1/t/***/channel/x-1-0.conda" in caught.value.message

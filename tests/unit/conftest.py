"""What holds for all unit tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package", autouse=True)
def _no_engine() -> Iterator[None]:
    """Nothing that a unit test says depends on whether an engine answers on the machine where it runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", "unix:///nobody/listens.sock")
        yield

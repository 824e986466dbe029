"""Every engine, for the tests that hold what is true of all of them."""

from tests.engines.fixtures import base_archive, engine, engines

__all__ = ["base_archive", "engine", "engines"]

"""The base image for engines of a test's own."""

from tests.engines.fixtures import base_archive

__all__ = ["base_archive"]

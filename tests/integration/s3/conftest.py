from __future__ import annotations

import pytest

from dockerflow.store.s3.objects import Objects
from tests.integration.s3.clients import MAKE, Scene
from tests.object_servers import Bucket


@pytest.fixture
def scene(object_bucket: Bucket) -> Scene:
    return Scene(object_bucket)


@pytest.fixture(params=list(MAKE))
def objects(scene: Scene, request: pytest.FixtureRequest) -> Objects:
    """Each client in turn, on each server in turn."""
    return MAKE[request.param](scene)

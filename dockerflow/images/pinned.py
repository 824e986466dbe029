"""What an engine has under the name of an image that is pinned by a digest, `name@sha256:…` or `name:tag@sha256:…`.

An engine finds such a name itself where the digest is a registry's. That of an image which was only ever on this engine
is its ID (or its config's digest, where the engine does not call images by that), which may stand beside the
repository under any tag. Whether one of those found here is the image meant is for the caller to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from docker import DockerClient
from docker.utils import parse_repository_tag

from dockerflow.images.engine import api, inspect


def candidates(client: DockerClient, name: str) -> Iterator[Mapping[str, Any]]:
    """What the engine says of each image that the pinned `name` may mean: that of its tag, or of any tag of its
    repository where it has none, the one with this ID first. Nothing for a name without a digest.
    """
    unpinned, _, digest = name.partition("@")
    repository, tag = parse_repository_tag(unpinned)
    if not digest:
        return
    ids = [unpinned] if tag else [str(one["Id"]) for one in api(client).images(name=repository)]
    for one in sorted(dict.fromkeys(ids), key=lambda found: found != digest):
        found = inspect(client, one)
        if found is not None:
            yield found

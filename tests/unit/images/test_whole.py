"""Whether an engine has all of an image is read from its answer; where it cannot tell, that counts as no at need."""

from __future__ import annotations

from typing import Any

import pytest

from dockerflow.images.engine import is_surely_whole, is_whole

CLASSIC: dict[str, Any] = {"GraphDriver": {"Name": "overlay2"}}
PODMAN: dict[str, Any] = {"GraphDriver": {"Name": "overlay"}}
CONTAINERD: dict[str, Any] = {"Descriptor": {"digest": "sha256:0"}}  # API 1.48 and later
OLDER_CONTAINERD: dict[str, Any] = {"GraphDriver": {"Name": "overlayfs"}}

AVAILABLE = {"Available": True}
UNPACKED = {"Available": False, "ImageData": {"Size": {"Unpacked": 1}}}
NEITHER = {"Available": False, "ImageData": {"Size": {"Unpacked": 0}}}


@pytest.mark.parametrize("found", [CLASSIC, PODMAN, CONTAINERD | {"Manifests": [NEITHER, AVAILABLE]}])
def test_an_image_is_whole_where_engines_keep_no_broken_ones_or_say_so(found: dict[str, Any]) -> None:
    assert is_whole(found)
    assert is_surely_whole(found)


def test_an_image_that_is_unpacked_needs_its_content_no_more() -> None:
    assert is_surely_whole(CONTAINERD | {"Manifests": [UNPACKED]})


@pytest.mark.parametrize("manifests", [[], [NEITHER]])
def test_an_image_of_which_nothing_is_there_is_not_whole(manifests: list[dict[str, Any]]) -> None:
    assert not is_whole(CONTAINERD | {"Manifests": manifests})
    assert not is_surely_whole(CONTAINERD | {"Manifests": manifests})


def test_an_older_containerd_store_cannot_tell_so_nothing_is_built_on_its_word() -> None:
    """What it has under a name is used, but no layer is left out for it, and a load that failed leaves no name."""
    assert is_whole(OLDER_CONTAINERD)
    assert not is_surely_whole(OLDER_CONTAINERD)

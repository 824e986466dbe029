"""Which of a task's values are to be written, and which are passed on as they were given.

What a step has not read is passed on without a look; what it has read is passed on if it is still what was stored,
also by another name, as in `self.x = inputs.a.x`. Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence, Tuple

from dockerflow.artifacts import codec
from dockerflow.artifacts.errors import ArtifactError
from dockerflow.flow.spec import FlowSpec, own_artifacts, view_of
from dockerflow.flow.view import View
from dockerflow.store import manifest
from dockerflow.store.base import BlobStore, hash_of
from dockerflow.store.errors import StoreError
from dockerflow.store.manifest import ArtifactRef

__all__ = ["may_differ", "own_and_passed_on"]

_NOTHING = object()

# Values that cannot be changed in place: a loaded one need not be compared with what was stored.
_IMMUTABLE = (bool, int, float, str, bytes, type(None))


def own_and_passed_on(
    blobs: BlobStore, values: Mapping[str, Any], views: Sequence[View]
) -> Tuple[Dict[str, Any], Dict[str, ArtifactRef]]:
    """Those of the values to write, and refs for all others that the task has. The first view is its own, the others
    are those of a join's inputs."""
    view, own = views[0], {}
    refs: Dict[str, ArtifactRef] = dict(view.refs)
    loaded = _large_ones(views)
    for name, value in values.items():
        ref = view.refs[name] if value is view.loaded.get(name, _NOTHING) else loaded.get(id(value))
        if ref is None or _changed(blobs, ref, value):
            own[name] = value
        else:
            refs[name] = ref
    return own, refs


def may_differ(flow: FlowSpec) -> bool:
    """Whether something in an input of a join may no longer be as it is stored, because the step has had it."""
    view = view_of(flow)
    own = any(value is not view.loaded.get(name, _NOTHING) for name, value in own_artifacts(flow).items())
    return own or any(type(value) not in _IMMUTABLE for value in view.handed_out())


def _large_ones(views: Sequence[View]) -> Dict[int, ArtifactRef]:
    """Loaded values that have a blob of their own, by their identity: small ones are cheaper to write than to track."""
    loaded = ((value, each.refs.get(name)) for each in views for name, value in each.loaded.items())
    return {id(value): ref for value, ref in loaded if ref is not None and ref.size >= manifest.LARGE}


def _changed(blobs: BlobStore, ref: ArtifactRef, value: Any) -> bool:
    """Whether a loaded value is no longer what was stored.

    Its bytes may differ although it is the same: what pickle shares inside a value depends on how it was made. So it is
    compared with what the stored value gives when it is loaded and encoded again.
    """
    if type(value) in _IMMUTABLE:
        return False
    try:
        now = codec.encode(value)
        same = blobs.same(ref.blob, ref.offset, now.chunks) if now.size == ref.size else False
        if same is None:
            same = hash_of(now.chunks) == ref.sha256
        return not same and not now.same_as(codec.encode(manifest.load(blobs, ref)))
    except (ArtifactError, StoreError):  # what is not to be read any more is here, and is written
        return True

"""Which image is meant: a reference, the beginning of one or of a digest, or a step of a run."""

from __future__ import annotations

import re

from dockerflow.client.errors import InvalidPathspec, NotFound, not_found
from dockerflow.images.errors import IncompleteImage
from dockerflow.images.inventory import STEP, Inventory, KnownImage, Use

# What an image is found by when it is not named in full: hex digits, as git and docker have it.
_HEX = re.compile(r"[0-9a-f]+")

_LIST = "`dockerflow images list` shows all"
_SHOWN = 4


def find(inventory: Inventory, word: str) -> KnownImage:
    """The one image that `word` means: `dockerflow/step:<hex>`, the beginning of its hex digits or of one of its
    digests, or `Flow/run[/step]`. Raises NotFound, InvalidPathspec where several are meant, and IncompleteImage for
    an image that a step brought along.
    """
    plain = word.removeprefix(STEP).removeprefix("sha256:").rstrip("/")
    if "/" in plain:
        return _of_run(inventory, plain)
    found = [image for image in inventory.images if _HEX.fullmatch(plain) and _begins(image, plain)]
    if len(found) > 1:
        raise InvalidPathspec(f"`{word}` may be any of {_listed(found)}", f"write more of its digits; {_LIST}")
    if not found:
        raise _unknown(inventory, word)
    return found[0]


def _begins(image: KnownImage, digits: str) -> bool:
    ids = (image.config_digest, image.manifest_digest, image.on_engine.id if image.on_engine else "")
    return image.hex.startswith(digits) or any(one.removeprefix("sha256:").startswith(digits) for one in ids if one)


def _of_run(inventory: Inventory, pathspec: str) -> KnownImage:
    words = pathspec.split("/")
    if len(words) not in (2, 3) or not all(words):
        raise InvalidPathspec(f"`{pathspec}` names no image", "write `Flow/run/step`, or the image's own digits")
    flow, run_id = words[:2]
    used = {use: image for image in inventory.images for use in image.uses}
    known = (*used, *inventory.brought)
    of_flow = [use for use in known if use.flow == flow]
    if not of_flow:
        raise _no_flow(inventory, pathspec, {use.flow for use in known})
    of_run = [use for use in of_flow if use.run_id == run_id]
    if not of_run:
        where = f"flow `{flow}` in the store `{inventory.store}`, or no step of it ran in a container"
        raise not_found("run", run_id, where, sorted({use.run_id for use in of_flow}, reverse=True))
    if len(words) == 3 and all(use.step.name != words[2] for use in of_run):
        raise not_found("step", words[2], f"run `{flow}/{run_id}`", [use.step.name for use in of_run])
    meant = [use for use in of_run if use.step.name == words[-1]] if len(words) == 3 else of_run
    steps = {use.step.name: used[use] for use in meant if use in used}
    if not steps:
        raise _brought(meant[0])
    return _only(pathspec, steps)


def _brought(use: Use) -> IncompleteImage:
    step, digest = use.step, use.step.config_digest or use.step.manifest_digest
    return IncompleteImage(
        f"step `{step.name}` of run `{use.flow}/{use.run_id}` brought its own image `{step.image}` ({digest}),"
        " of which dockerflow knows nothing more",
        hint=f"`docker image inspect {step.repository_digest or digest}` tells what the engine knows of it",
    )


def _no_flow(inventory: Inventory, word: str, flows: set[str]) -> NotFound:
    """There is no such flow; what looks like the name of an image was meant as one."""
    if ":" in word or "@" in word:
        return NotFound(f"`{word}` is no image that dockerflow made", f"{_LIST} of those")
    near = not_found("flow", word.partition("/")[0], f"the runs of the store `{inventory.store}`", sorted(flows))
    another = "`--store` names another store"
    return NotFound(near.message, f"{near.hint}; {another}" if near.hint else another)


def _only(pathspec: str, steps: dict[str, KnownImage]) -> KnownImage:
    """The image of a run whose steps all have the same."""
    images = {image.reference: image for image in steps.values()}
    if len(images) > 1:
        named = ", ".join(f"`{pathspec}/{step}`" for step in sorted(steps))
        raise InvalidPathspec(f"run `{pathspec}` has {len(images)} images", f"name a step: {named}")
    return next(iter(images.values()))


def _unknown(inventory: Inventory, word: str) -> NotFound:
    near = not_found("image", word, "the engine, the cache and the store", [image.hex for image in inventory.images])
    return NotFound(near.message, f"{near.hint} {_LIST}" if near.hint else "run a flow first, which builds images")


def _listed(images: list[KnownImage]) -> str:
    shown = ", ".join(f"`{image.hex}`" for image in images[:_SHOWN])
    return f"{shown}, …" if len(images) > _SHOWN else shown

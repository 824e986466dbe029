"""Which image is meant: a reference, the beginning of one or of a digest, or a step of a run."""

from __future__ import annotations

import re

from dockerflow.client.errors import InvalidPathspec, NotFound, not_found
from dockerflow.images.inventory import STEP, Inventory, KnownImage

# What an image is found by when it is not named in full: hex digits, as git and docker have it.
_HEX = re.compile(r"[0-9a-f]+")

_LIST = "`dockerflow images list` shows all"
_SHOWN = 4


def find(inventory: Inventory, word: str) -> KnownImage:
    """The one image that `word` means: `dockerflow/step:<hex>`, the beginning of its hex digits or of one of its
    digests, or `Flow/run[/step]`. Raises NotFound, or InvalidPathspec where several are meant.
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
    used = [(use, image) for image in inventory.images for use in image.uses]
    of_flow = [one for one in used if one[0].flow == words[0]]
    if not of_flow:
        raise not_found("flow", words[0], "the runs with images", sorted({use.flow for use, _ in used}))
    of_run = [one for one in of_flow if one[0].run_id == words[1]]
    if not of_run:
        ids = sorted({use.run_id for use, _ in of_flow}, reverse=True)
        raise not_found("run", words[1], f"flow `{words[0]}`, or no step of it had an image of its own", ids)
    steps = {use.step.name: image for use, image in of_run}
    if len(words) == 2:
        return _only(pathspec, steps)
    if words[2] not in steps:
        raise not_found("step", words[2], f"run `{words[0]}/{words[1]}`", steps)
    return steps[words[2]]


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

"""Why an image of a past run is not to be had, or only as another one, in words that say what to bring back.

Whoever can go on with another image adds that to the hint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerflow.environments.errors import of_steps
from dockerflow.images.base import BaseImage
from dockerflow.images.build_record import KeyParts
from dockerflow.images.errors import ImageError, OwnImageError
from dockerflow.images.obtainable import Obtainable
from dockerflow.store.records import StepRecord

# Packages that a message names.
_NAMED = 8


class MissingError(ImageError):
    """What an image was made of is not to be had any more."""


def digests_of(image: StepRecord) -> tuple[str, ...]:
    """What engines may call the image."""
    return tuple(filter(None, (image.config_digest, image.manifest_digest)))


def lost_lock(image: StepRecord, steps: Sequence[str], error: Exception) -> MissingError:
    return MissingError(
        f"the image of {of_steps(steps)} is gone, and its lock is lost: {getattr(error, 'message', error)}",
        f"look for the image `{image.image}` on another engine; running the flow again makes both anew",
    )


def missing_packages(found: Obtainable, steps: Sequence[str]) -> MissingError:
    why = [error.message for _, error in found.missing]
    more = [f"and {len(why) - _NAMED} more"] if len(why) > _NAMED else []
    count = "1 of its packages is" if len(why) == 1 else f"{len(why)} of its packages are"
    told = "".join(f"\n  {each}" for each in (*why[:_NAMED], *more))
    return MissingError(
        f"the image of {of_steps(steps)} is gone, and {count} in no channel and no cache any more:{told}",
        "name a channel that has them with `channels` in the configuration, or DOCKERFLOW_CHANNELS",
    )


def reasons(image: StepRecord, base: BaseImage, parts: KeyParts) -> Iterator[str]:
    """Why the image's lock gives another one now."""
    other_transform = bool(image.transform) and image.transform != parts.transform
    other_base = bool(image.base_digest) and image.base_digest != base.digest
    if other_transform:
        yield f"this dockerflow makes images by `{parts.transform}`, and it was made by `{image.transform}`"
    if other_base:
        yield f"the base image `{base.name}` is {base.digest} now, and was {image.base_digest}"
    if not other_transform and not other_base:
        yield f"its lock gives `dockerflow/step:{parts.build_key[:24]}` now, and the run had `{image.image}`"


def own_image(image: StepRecord, steps: Sequence[str], why: str) -> OwnImageError:
    """`why` it cannot be pulled, where somebody tried."""
    digest = " or ".join(digests_of(image))
    lacking = f"the engine has none with the ID {digest}" if digest else "its record has no ID to know it by"
    known = f"; {why}" if image.repository_digest else ", and no registry is known to have it"
    return OwnImageError(
        f"the image `{image.image}` of {of_steps(steps)} is gone: {lacking}{known}",
        "bring it back with `docker load` or `docker pull`",
    )


def as_it_is_now(image: StepRecord, steps: Sequence[str]) -> str:
    """What somebody is told who gets what has the name of the user's image now."""
    return f"the image `{image.image}` of {of_steps(steps)} is taken as it is now"

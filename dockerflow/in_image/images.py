"""Have an engine hold the image that a step of a past run had.

It is there most often. One that is gone is had again as for `dockerflow rerun`, but another one than then will do: the
libraries are the same, and values can be looked at upon another base image. Whoever looks is told.
"""

from __future__ import annotations

from collections.abc import Callable

from docker import DockerClient

from dockerflow.config import Config
from dockerflow.environments.errors import of_steps
from dockerflow.images import gone
from dockerflow.images.again import Again, is_same
from dockerflow.images.engine import explaining_engine, inspect, is_whole, pull
from dockerflow.images.errors import ImageError
from dockerflow.images.provide import ImageProvider
from dockerflow.in_image.errors import InImageError
from dockerflow.in_image.values import Place

# Is told what the user should know, in one line.
Tell = Callable[[str], None]


def check_had_image(place: Place) -> None:
    """Needs no engine, so that whoever has none is told of what would not help either. Raises InImageError."""
    if not place.step.image and not place.step.config_digest:
        raise InImageError(
            f"step `{place.pathspec}` had no image: it ran in a process of its machine",
            "read the artifact with a Python that has what wrote it",
        )


def image_for(place: Place, client: DockerClient, config: Config, tell: Tell) -> str:
    """A name of the image that the engine knows, for a step that had one. Raises ImageError."""
    if place.step.lock:
        return _there(place, client) or _built(place, client, config, tell)
    return _own(place, client, config, tell)


def _there(place: Place, client: DockerClient) -> str | None:
    """The name of an image of ours says what it is made of, so the one that has it will do whatever its digest."""
    return _found(place, client, place.step.image, *gone.digests_of(place.step))


def _built(place: Place, client: DockerClient, config: Config, tell: Tell) -> str:
    image, steps, again = place.step, (place.pathspec,), Again(place.store.blobs, config)
    lock = again.lock(image, steps)
    name, recorded = again.base(image)
    provider = ImageProvider(client, name, config.cache_dir, recorded=recorded)
    made = again.built(provider, lock, steps)
    if not is_same(image, made):
        why = "; ".join(gone.reasons(image, provider.base, provider.key_parts(lock)))
        tell(f"the image of {of_steps(steps)} is gone, and the one that is taken for it is another: {why}")
    return made.reference


def _own(place: Place, client: DockerClient, config: Config, tell: Tell) -> str:
    image, steps = place.step, (place.pathspec,)
    why = ""
    for name in Again(place.store.blobs, config).own_names(client, image):
        try:
            return _found(place, client, name) or _pulled(client, name)
        except ImageError as error:
            why = error.message
    if _found(place, client, image.image):
        tell(gone.as_it_is_now(image, steps))
        return image.image
    raise gone.own_image(image, steps, why)


def _found(place: Place, client: DockerClient, *names: str) -> str | None:
    with explaining_engine(f"looking for the image of `{place.pathspec}`"):
        for name in filter(None, names):
            found = inspect(client, name)
            if found is not None and is_whole(found):
                return name
    return None


def _pulled(client: DockerClient, name: str) -> str:
    with explaining_engine(f"pulling `{name}`"):
        return str(pull(client, name)["Id"])

"""`images export` and `images push`: an image goes into a file, or to a registry."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.images import SHORT, looked_up
from dockerflow.cli.meter import Meter, meter
from dockerflow.cli.words import counted, size
from dockerflow.images import cache_lock, export, naming, push
from dockerflow.images.errors import explaining_cache
from dockerflow.images.inventory import KnownImage
from dockerflow.images.layer_cache import LayerCache, is_complete
from dockerflow.images.repository import Repository
from dockerflow.images.retrieve import Retrieval
from dockerflow.progress import Event, ImagePushing

STDOUT = Path("-")


def export_image(word: str, output: Path, force: bool, store: str | None) -> int:
    """Write an OCI archive. Raises ImageError; nothing is left of a file that could not be completed."""
    if output == STDOUT and sys.stdout.isatty():
        raise CommandLineError(
            "an archive is nothing for a terminal", "name a file, or send it on as `--output - | docker load`"
        )
    with looked_up(store) as here, explaining_cache(here.places.cache_dir), cache_lock.used(here.places.cache_dir):
        known = naming.find(here.found, word)
        retrieval = Retrieval(known, here.places, here.config.base_image)
        with meter(sys.stderr) as shown:
            _tell_reading(shown, known, here.places.cache_dir)
            image = retrieval.image()
            told = _writing(shown, sum(layer.size for layer in image.layers))
            if output == STDOUT:
                written = export.export_to(sys.stdout.buffer, image, retrieval.restore, told)
            else:
                written = export.export(image, output, retrieval.restore, force, told)
    where, messages = ("stdout", sys.stderr) if output == STDOUT else (output, sys.stdout)
    print(f"{where}  {size(written)}  {image.manifest_digest}", file=messages)
    return 0


def _writing(shown: Meter, total: int) -> Callable[[int], None]:
    done = 0

    def told(block: int) -> None:
        nonlocal done
        done += block
        shown.tell(f"writing {size(done)} of {size(total)}")

    return told


def push_image(word: str, repository: str, plain_http: bool, store: str | None) -> int:
    """Push to a registry; the name with the digest goes to stdout, what was sent to stderr. Raises ImageError."""
    target = push.Target(Repository.parse(repository), plain_http)
    with looked_up(store) as here, explaining_cache(here.places.cache_dir), cache_lock.used(here.places.cache_dir):
        known = naming.find(here.found, word)
        retrieval = Retrieval(known, here.places, here.config.base_image)
        _say_whereto(known, target)
        with meter(sys.stderr) as shown:

            def notify(event: Event) -> None:
                if isinstance(event, ImagePushing):
                    shown.tell(f"pushing {size(event.done)} of {size(event.total)}")

            _tell_reading(shown, known, here.places.cache_dir)
            image = retrieval.image()
            done = push.push(here.places.cache_dir, image, target, retrieval.restore, notify)
    sent = f"{counted(done.layers_sent, 'layer')} sent, {size(done.bytes_sent)}"
    there = len(image.layers) - done.layers_sent - done.layers_mounted
    mounted = f", {done.layers_mounted} taken from another repository" if done.layers_mounted else ""
    print(f"{done.tagged}: {sent}{mounted}, {there} there already", file=sys.stderr)
    print(done.name)
    return 0


def _tell_reading(shown: Meter, image: KnownImage, cache_dir: Path) -> None:
    """An engine takes seconds to hand out an image, or layers of it, that the cache lacks."""
    cache = LayerCache(cache_dir)
    here = image.record is not None and all(
        is_complete(cache.layer(one.diff_id, one.size, one.title)) for one in image.layers
    )
    if not here and image.on_engine is not None:
        shown.tell("reading it from the engine")


def _say_whereto(image: KnownImage, target: push.Target) -> None:
    repository = target.repository
    which = "the engine's default registry" if repository.is_default else f"the registry `{repository.host}`"
    print(f"pushing {image.hex[:SHORT]} to `{repository.name}` in {which}", file=sys.stderr)

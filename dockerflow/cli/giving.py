"""`images export` and `images push`: an image goes into a file, or to a registry."""

from __future__ import annotations

import sys
from pathlib import Path

from dockerflow.cli.images import looked_up
from dockerflow.cli.meter import meter
from dockerflow.cli.words import counted, size
from dockerflow.images import cache_lock, export, naming, push
from dockerflow.images.errors import explaining_cache
from dockerflow.images.repository import Repository
from dockerflow.images.retrieve import Retrieval
from dockerflow.progress import Event, ImagePushing


def export_image(word: str, output: Path, force: bool, store: Path | None) -> int:
    """Write an OCI archive. Raises ImageError; nothing is left of a file that could not be completed."""
    with looked_up(store) as here, explaining_cache(here.places.cache_dir), cache_lock.used(here.places.cache_dir):
        retrieval = Retrieval(naming.find(here.found, word), here.places, here.config.base_image)
        with meter(sys.stderr) as shown:
            image = retrieval.image()
            total, done = sum(layer.size for layer in image.layers), 0

            def told(block: int) -> None:
                nonlocal done
                done += block
                shown.tell(f"writing {size(done)} of {size(total)}")

            written = export.export(image, output, retrieval.restore, force, told)
    print(f"{output}  {size(written)}  {image.manifest_digest}")
    return 0


def push_image(word: str, repository: str, plain_http: bool, store: Path | None) -> int:
    """Push to a registry; the name with the digest goes to stdout, what was sent to stderr. Raises ImageError."""
    target = push.Target(Repository.parse(repository), plain_http)
    with looked_up(store) as here, explaining_cache(here.places.cache_dir), cache_lock.used(here.places.cache_dir):
        retrieval = Retrieval(naming.find(here.found, word), here.places, here.config.base_image)
        with meter(sys.stderr) as shown:

            def notify(event: Event) -> None:
                if isinstance(event, ImagePushing):
                    shown.tell(f"pushing {size(event.done)} of {size(event.total)}")

            image = retrieval.image()
            done = push.push(here.places.cache_dir, image, target, retrieval.restore, notify)
    sent = f"{counted(done.layers_sent, 'layer')} sent, {size(done.bytes_sent)}"
    there = len(image.layers) - done.layers_sent - done.layers_mounted
    mounted = f", {done.layers_mounted} taken from another repository" if done.layers_mounted else ""
    print(f"{done.tagged}: {sent}{mounted}, {there} there already", file=sys.stderr)
    print(done.name)
    return 0

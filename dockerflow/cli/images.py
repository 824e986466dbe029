"""`images list` and `images show`: which step images there are, what is in them, who shares it, who used them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from shutil import get_terminal_size

from dockerflow.cli.places import config_here, store_for_reading
from dockerflow.cli.tables import print_json, print_table, shortened
from dockerflow.cli.words import counted, listed, size
from dockerflow.config import Config
from dockerflow.engines.docker import DockerHost
from dockerflow.engines.errors import EngineError
from dockerflow.images import inventory, naming, pushed
from dockerflow.images.build_record import RecordedLayer, RecordedPackage
from dockerflow.images.inventory import Inventory, KnownImage, Places
from dockerflow.lazy_dataclasses import dataclass

# Hex digits that are shown where an image is one of many, and runs that are shown of those that used it.
SHORT = 12
_RUNS = 10

# Columns of the list that are cut on a narrow terminal, the first first, and what is left of them at least: the time of
# the day goes, then packages, then steps. With this all fit into 80 columns.
_LEAST = {5: 11, 1: 10, 6: 8}


@dataclass(frozen=True)
class Here:
    """Where the commands look, and what there is. `silent` says why the engine does not answer, empty if it does."""

    config: Config
    places: Places
    found: Inventory
    silent: str = ""


@contextmanager
def looked_up(store: str | None) -> Iterator[Here]:
    """Everything that is known of images, said on stderr where something is not. The engine's client is closed then."""
    config = config_here()
    reading = store_for_reading(store)
    try:
        host = DockerHost.connect(config.engine)
    except EngineError as error:
        _note(f"{error.message}: shown is what the cache and the store know")
        places = Places(config.cache_dir, reading, None)
        yield _said(Here(config, places, inventory.take(places), error.message))
        return
    with closing(host):
        places = Places(config.cache_dir, reading, host.client)
        yield _said(Here(config, places, inventory.take(places)))


def _said(here: Here) -> Here:
    if here.found.unreadable:
        what = counted(len(here.found.unreadable), "record")
        _note(f"{what} cannot be read and told nothing, `{here.found.unreadable[0]}` first")
    return here


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)


# ---- list


def list_images(every: bool, as_json: bool, store: str | None) -> int:
    """Print a table of the images, those used last first; what nothing is known of is counted, unless `every`."""
    with looked_up(store) as here:
        images = here.found.images
        if as_json:
            print_json([_summary(here, image) for image in images])
        elif images:
            _print_list(here, [image for image in images if every or not is_stranger(image)])
        else:
            _note("there are no step images; a run builds them")
    return 0


def is_stranger(image: KnownImage) -> bool:
    """Whether the engine alone has it: made with another cache, and used by the runs of another store."""
    return not image.packages and image.last_used is None


def _print_list(here: Here, images: Sequence[KnownImage]) -> None:
    titles = ("image", "packages", "size", "own", "layers", "last used", "by", "engine")
    rows = [titles, *(_row(here, image) for image in images)]
    if images:
        print_table(shortened(rows, get_terminal_size().columns, _LEAST) if sys.stdout.isatty() else rows)
    left_out = len(here.found.images) - len(images)
    if left_out:
        more = counted(left_out, "more image" if images else "image")
        print(f"{more} of which this cache and store know nothing (see `--all`)")


def _row(here: Here, image: KnownImage) -> tuple[str, ...]:
    own = here.found.own_size(image)
    return (
        image.hex[:SHORT],
        asked_for(image, most=None),
        "" if image.size is None else size(image.size),
        "" if own is None else size(own),
        str(len(image.layers) or ""),
        when(image.last_used),
        _users(image),
        _presence(here, image),
    )


def asked_for(image: KnownImage, most: int | None = 4) -> str:
    """`pandas 2.2.3, python 3.11.7`: what was asked for, and the Python that came with it."""
    names = [f"{one.name} {one.version}" for one in image.requested]
    names += [f"python {image.python}"] if image.python else []
    return listed(tuple(names), most or len(names))


def _users(image: KnownImage) -> str:
    """The steps of the newest run: `GenreStats/start, end`."""
    if not image.uses:
        return ""
    newest = image.uses[0]
    steps = tuple(use.step.name for use in image.uses if use.run_id == newest.run_id and use.flow == newest.flow)
    return f"{newest.flow}/{listed(steps, 3)}"


def _presence(here: Here, image: KnownImage) -> str:
    return "?" if here.silent else "yes" if image.on_engine else "no"


def when(moment: float | None) -> str:
    return "" if moment is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))


def _summary(here: Here, image: KnownImage) -> dict[str, object]:
    parts = image.record.parts if image.record else None
    return {
        "reference": image.reference,
        "config_digest": image.config_digest,
        "manifest_digest": image.manifest_digest,
        "repository_digests": list(pushed.repository_digests(here.places.cache_dir, image.manifest_digest)),
        "lock_hash": image.lock_hash,
        "platform": image.platform,
        "base": {"name": parts.base_name, "digest": parts.base_digest} if parts else None,
        "requested": [_package(one) for one in image.requested],
        "python": image.python,
        "size": image.size,
        "own_size": here.found.own_size(image),
        "layers": len(image.layers),
        "last_used": image.last_used,
        "used_by": [use.pathspec for use in image.uses[:_RUNS]],
        "uses": len(image.uses),
        "on_engine": None if here.silent else image.on_engine is not None,
    }


def _package(one: RecordedPackage, channels: dict[str, str] | None = None) -> dict[str, object]:
    found: dict[str, object] = {"name": one.name, "version": one.version, "build": one.build, "manager": one.manager}
    return found | {"sha256": one.sha256, "channel": (channels or {}).get(one.sha256)}


# ---- show


def show_image(word: str, as_json: bool, store: str | None) -> int:
    """Print all that is known of one image. Raises NotFound."""
    with looked_up(store) as here:
        image = naming.find(here.found, word)
        channels = _channels(here, image)
        if as_json:
            print_json(_all(here, image, channels))
        else:
            _print_image(here, image, channels)
    return 0


def _all(here: Here, image: KnownImage, channels: dict[str, str]) -> dict[str, object]:
    return _summary(here, image) | {
        "layers": [
            {
                "diff_id": layer.diff_id,
                "size": layer.size,
                "title": layer.title,
                "packages": [f"{one.name} {one.version}" for one in layer.packages],
                "shared_with": here.found.sharing(image, layer),
            }
            for layer in image.layers
        ],
        "packages": [_package(one, channels) for one in image.packages],
        "used_by": [use.pathspec for use in image.uses],
        "engine": {"id": image.on_engine.id, "names": list(image.on_engine.names)} if image.on_engine else None,
    }


def _print_image(here: Here, image: KnownImage, channels: dict[str, str]) -> None:
    print(image.reference)
    print_table([(f"{title}:", value or "not known here") for title, value in _facts(here, image)], "  ")
    if image.layers:
        print("\nlayers, bottom first")
        rows = [(size(one.size), _sharing(here, one), _contents(one)) for one in image.layers]
        print_table([("size", "shared with", "what"), *rows], "  ")
    if image.packages:
        print(f"\n{counted(len(image.packages), 'package')}")
        packages = [(p.name, p.version, p.build, p.manager, channels.get(p.sha256, "")) for p in image.packages]
        print_table([("name", "version", "build", "manager", "from"), *packages], "  ")
    if image.uses:
        shown = image.uses[:_RUNS]
        newest = f", the newest {_RUNS} of them" if len(image.uses) > _RUNS else ""
        print(f"\nused by {counted(len(image.uses), 'step')} of runs{newest}")
        print_table([(use.pathspec, when(use.time)) for use in shown], "  ")


def _facts(here: Here, image: KnownImage) -> Iterator[tuple[str, str]]:
    parts = image.record.parts if image.record else None
    yield "asked for", asked_for(image, most=None)
    yield "config digest", image.config_digest
    yield "manifest digest", image.manifest_digest
    for name in pushed.repository_digests(here.places.cache_dir, image.manifest_digest):
        yield "in a registry", name
    yield "base", f"{parts.base_name} {parts.base_digest}" if parts else ""
    yield "platform", image.platform
    yield "lock", image.lock_hash
    yield "size", _sizes(here, image)
    yield "engine", here.silent or (f"has it as {image.on_engine.id}" if image.on_engine else "does not have it")
    yield "last used", when(image.last_used)


def _sizes(here: Here, image: KnownImage) -> str:
    own = here.found.own_size(image)
    if image.size is None or own is None:
        return "" if image.size is None else size(image.size)
    layers = counted(len(image.layers), "layer")
    return f"{size(image.size)} in {layers}: {size(own)} of its own, {size(image.size - own)} shared with other images"


def _sharing(here: Here, layer: RecordedLayer) -> str:
    others = len(here.found.holders[layer.diff_id]) - 1
    return counted(others, "image") if others else "none"


def _contents(layer: RecordedLayer) -> str:
    if len(layer.packages) < 2:
        return layer.title
    return f"{layer.title}: {', '.join(f'{one.name} {one.version}' for one in layer.packages)}"


def _channels(here: Here, image: KnownImage) -> dict[str, str]:
    """Where each package is from, by its sha256, as far as a run has kept the lock: the URL above its archive's."""
    lock = image.lock or inventory.lock_of(here.places.store, image.uses)
    return {one.sha256: one.url.rsplit("/", 2)[0] for one in lock.packages if one.manager == "conda"} if lock else {}

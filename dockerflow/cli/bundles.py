"""`export` and `import`: a run goes into one file, and from there into another store."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from dockerflow.cli.chosen_runs import chosen_runs
from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.meter import Meter, meter
from dockerflow.cli.mirroring import looking, tell_lost
from dockerflow.cli.places import config_here, store_for_writing, store_of_runs
from dockerflow.cli.words import counted, listed, size
from dockerflow.housekeeping import bundling
from dockerflow.housekeeping.bundle_store import opened
from dockerflow.housekeeping.bundling import Content, Wanted
from dockerflow.housekeeping.copy import Seen
from dockerflow.housekeeping.errors import BundleError
from dockerflow.housekeeping.references import RunName
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.base import Store

ALL, NONE = "all", "none"


@dataclass(frozen=True)
class Chosen:
    """What was typed."""

    run: str
    file: Path
    artifacts: str = NONE
    without_images: bool = False
    force: bool = False
    store: str | None = None


def export(chosen: Chosen) -> int:
    """Raises BundleError, and what else keeps a run from being read; nothing is left of an unfinished file."""
    bundling.require_new(chosen.file, chosen.force)  # before anything is fetched
    store = store_of_runs(chosen.store)
    run = _run(store, chosen.run)
    wanted = Wanted(_artifacts(chosen.artifacts), not chosen.without_images)
    with meter(sys.stderr) as shown, looking(store, shown) as places:
        content = bundling.content(places, run, wanted)
        shown.clear()
        _require_all(run, content)
        written = bundling.write(content, chosen.file, chosen.force, _writing(shown, content.index.size))
    print(f"{chosen.file}  {size(written)}  {run}: {_what(content)}")
    if content.artifacts:
        print(
            f"without the values of {listed(content.artifacts)}, whose hashes are in it: `--artifacts {ALL}`, or "
            "names, takes them along"
        )
    return 0


def bring(file: Path, chosen: str | None) -> int:
    """Raises BundleError for what is no bundle, was changed, or is another run than the store has."""
    found = opened(file)
    run = found.index.run
    store = store_for_writing(chosen, config_here())
    with meter(sys.stderr) as shown:
        done = bundling.bring(found, store, _bringing(shown, found.index.size))
    sent = f"{counted(done.blobs, 'blob')} ({size(done.size)})" if done.blobs else ""
    if done.runs:
        print(f"imported run {run} into `{store.name}`{f', sent {sent}' if sent else ''}")
    else:
        print(f"run {run} was in `{store.name}` before{f'; sent {sent} that it lacked' if sent else ''}")
    if not found.index.images:
        print("the bundle does not have what its images are made of: running it again takes them, or the channels")
    print(f"run it again: dockerflow rerun {run}")
    return 0


def _run(store: Store, word: str) -> RunName:
    if "/" not in word.strip("/"):
        raise CommandLineError(f"`{word}` names no run", "write `Flow/run`; `dockerflow runs list` lists them")
    (run,) = chosen_runs(store, None, [word]) or []
    return run


def _artifacts(words: str) -> frozenset[str] | None:
    if words == ALL:
        return None
    names = frozenset(name.strip() for name in words.split(",") if name.strip())
    return names - {NONE} if names == {NONE} else names


def _require_all(run: RunName, content: Content) -> None:
    """Raises BundleError where the images could not be made of what was found."""
    for lost in content.lost:
        tell_lost(run, lost)
    if content.lost:
        raise BundleError(
            f"run `{run}` could not be run again from a bundle: {counted(len(content.lost), 'part')} of its images "
            "cannot be had",
            "`--without-images` writes one that takes the images, or the channels, where it is imported",
        )


def _what(content: Content) -> str:
    images = f"{counted(content.image_files, 'file')} of its images" if content.image_files else "nothing of its images"
    return f"code, parameters, locks, logs, results' hashes, {images}"


def _writing(shown: Meter, total: int) -> Callable[[int], None]:
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        shown.tell(f"writing {size(done)} of {size(total)}")

    return tell


def _bringing(shown: Meter, total: int) -> Callable[[Seen], None]:
    return lambda seen: shown.tell(
        f"importing: sent {counted(seen.blobs, 'blob')} ({size(seen.size)}) of {size(total)}"
    )

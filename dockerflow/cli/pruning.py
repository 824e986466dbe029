"""`images prune`: shows what has not been used for long, asks, and removes it."""

from __future__ import annotations

import sys
import time

import typer

from dockerflow.cli.images import SHORT, asked_for, looked_up, when
from dockerflow.cli.spans import seconds
from dockerflow.cli.tables import print_json, print_table
from dockerflow.cli.words import counted, size
from dockerflow.engines.errors import EngineNotFound
from dockerflow.images import prune
from dockerflow.images.errors import explaining_cache
from dockerflow.images.prune import Limit, Plan


def prune_images(older_than: str, unknown: bool, yes: bool, as_json: bool, store: str | None) -> int:
    """Print what may go and, when that is confirmed, remove it. Raises ImageError, or EngineError without an engine."""
    limit = Limit(time.time() - seconds(older_than, "--older-than"), unknown)
    with looked_up(store) as here, explaining_cache(here.places.cache_dir):
        client = here.places.client
        if client is None:
            raise EngineNotFound(here.silent, "without it nobody knows which images are used; start it and try again")
        shown = prune.plan(here.places, client, limit)
        if not as_json:
            _print_plan(shown, older_than)
        removing = not shown.is_empty and (yes or (not as_json and _confirmed()))
        removed = prune.carry_out(shown, here.places, client, limit) if removing else Plan()
        if as_json:
            print_json({"removed": removing, **_as_json(removed if removing else shown)})
        elif removing:
            print(f"removed: {_sum(removed)}")
    return 0


def _print_plan(shown: Plan, older_than: str) -> None:
    if shown.images:
        print(f"not used for {older_than}:")
        rows = [
            (one.hex[:SHORT], asked_for(one), "" if one.size is None else size(one.size), when(one.last_used))
            for one in shown.images
        ]
        print_table([("image", "packages", "size", "last used"), *rows], "  ")
    for kept in shown.kept:
        if kept.why != prune.UNKNOWN:
            print(f"kept: {kept.reference}, {kept.why}")
    strangers = sum(kept.why == prune.UNKNOWN for kept in shown.kept)
    if strangers:
        print(f"kept: {counted(strangers, 'image')} that neither this cache nor this store knows; see `--unknown`")
    print(f"to remove: {_sum(shown)}" if not shown.is_empty else f"nothing was unused for {older_than}")


def _sum(done: Plan) -> str:
    compilers = f", {counted(len(done.compilers), 'image')} used for compiling" if done.compilers else ""
    images = counted(len(done.images), "step image")
    files = counted(len(done.files), "file")
    engine, cache = size(done.engine_bytes), size(done.cache_bytes)
    return f"{images}{compilers} (about {engine} on the engine), {files} of the cache ({cache})"


def _confirmed() -> bool:
    """Whether the user says yes; without a terminal nobody can be asked."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("note: nothing was removed; say `--yes` to remove it", file=sys.stderr)
        return False
    return typer.confirm("Remove them?", default=False)


def _as_json(done: Plan) -> dict[str, object]:
    return {
        "images": [{"reference": one.reference, "last_used": one.last_used, "size": one.size} for one in done.images],
        "compile_images": [one.reference for one in done.compilers],
        "files": len(done.files),
        "engine_bytes": done.engine_bytes,
        "cache_bytes": done.cache_bytes,
        "kept": [{"reference": one.reference, "why": one.why} for one in done.kept],
    }

"""How a `Runner` hears of the run that it has started: a file, written when the run has begun."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from dockerflow.progress import Event, Notify, RunBegan
from dockerflow.store.base import Store


def telling_runner(file: Path | None, store: Store, notify: Notify) -> Notify:
    """`notify`, which also writes the file when there is a run to read; the file is whole when it is there."""
    if file is None:
        return notify

    def told(event: Event) -> None:
        if isinstance(event, RunBegan):
            written = file.with_name(f"{file.name}.new")
            said = {"flow_name": event.flow, "run_id": event.run_id, "store": store.name}
            with suppress(FileNotFoundError):  # who wanted to hear of the run has gone, with its folder
                written.write_text(json.dumps(said), encoding="utf-8")
                written.replace(file)
        notify(event)

    return told

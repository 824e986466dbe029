"""Code packages of another dockerflow."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace

from dockerflow.store import code_package, journal, runs
from dockerflow.store.base import Store
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import RunStarted


def with_another_runtime(store: Store, flow: str, run_id: str) -> str:
    """The id of the same run as dockerflow 0.0.9 would have left it, whose runtime no worker of today could run."""
    new_id = runs.new_run_id(store, flow)
    writer = JournalWriter(store, flow, new_id)
    for record in journal.read(store, flow, run_id):
        if isinstance(record, RunStarted):
            code = store.blobs.put([older(bytes(store.blobs.get(record.code)))])
            record = replace(record, run_id=new_id, code=code, version="0.0.9")
        writer.append(record)
    writer.close()
    return new_id


def older(package: bytes) -> bytes:
    """With one file in place of dockerflow's own."""
    found = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(package)) as old, tarfile.open(fileobj=found, mode="w") as new:
        for entry in old:
            if not entry.name.startswith(f"{code_package.OURS}/"):
                new.addfile(entry, old.extractfile(entry))
        entry = tarfile.TarInfo(f"{code_package.OURS}/dockerflow/old.py")
        entry.size = 1
        new.addfile(entry, io.BytesIO(b"\n"))
    return found.getvalue()

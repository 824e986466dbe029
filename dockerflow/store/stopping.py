"""Ask a run's scheduler to end it, wherever that runs: by an object of the run in its store.

    runs/<flow>/<run id>/stop    who asks; the scheduler looks for it every few seconds, and removes it at the end

Steps may not write there, so whoever asks may write to the store. Standard library only, Python 3.7.
"""

from __future__ import annotations

import json
import time
from typing import Optional

from dockerflow.store.base import Store
from dockerflow.store.runs import run_key

# The longest that is repeated of a name, in characters.
_LONGEST = 100


def stop_key(flow: str, run_id: str) -> str:
    return f"{run_key(flow, run_id)}/stop"


def ask(store: Store, flow: str, run_id: str, user: str) -> None:
    """Raises StoreError."""
    store.put(stop_key(flow, run_id), json.dumps({"user": user, "time": time.time()}).encode())


def asked(store: Store, flow: str, run_id: str) -> Optional[str]:
    """Who asks that the run be ended, None where nobody does. Raises StoreError."""
    told = store.get(stop_key(flow, run_id))
    return None if told is None else _user(told)


def forget(store: Store, flow: str, run_id: str) -> None:
    """The run has ended. Raises StoreError."""
    store.delete(stop_key(flow, run_id))


def _user(told: bytes) -> str:
    try:
        user = str(json.loads(told)["user"])[:_LONGEST]
    except (ValueError, KeyError, TypeError):
        user = ""
    return "".join(letter for letter in user if letter.isprintable()) or "somebody"

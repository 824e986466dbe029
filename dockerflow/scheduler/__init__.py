"""One run of a flow's graph.

values     what the core is told and what it asks for
core       `advance(run, event, now) -> commands`: pure, knows nothing of clocks, containers or files
resumed    which results of an earlier run are taken over
joins      which finished tasks a join waits for
loop       waits, carries out commands, writes the journal
prepare    the lock and the image of every step
launch     a whole run, from a loaded flow to its outcome
"""

from __future__ import annotations

__all__: list[str] = []

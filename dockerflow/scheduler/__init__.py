"""One run of a flow's graph.

values        what the core is told and what it asks for
core          `advance(run, event, now) -> commands`: pure, knows nothing of clocks, containers or files
state         what the core remembers of the run: its tasks and workers
following     what follows in the graph when a task has ended
pool          which worker does what
staffing      which workers are started, and which ahead of time
rooms         which hosts a step's tasks can go to, and what is free there
gangs         tasks that run at the same time and end as one
capacity      what of the host attempts take
reach         which steps may still have tasks, and how many at once
joins         which finished tasks a join waits for
resumed       which results of an earlier run are taken over
changed       which of them have read a parameter that has another value now
looked_up     which results of other runs are, that steps with `@cache` have left
reuse         those results: looked for, and left for others
whole         which results are in the store with all that they name
origin        that earlier run, as far as it is still in the store
loop          waits, and carries out commands
workers       the workers of the run by number: how each is told something, and on which host
requests      what a worker is started with, and which steps share workers; `bytecode` is sent along
starting      starts workers, in threads, and waits for an engine that is away
receiving     takes large blobs into the store while tasks hand them over; `arriving` hashes them meanwhile
keeping       takes into the store what workers leave, each in its own thread
journaling    writes the journal, in a thread as well
logs          what running attempts print; `log_limit` where that has a limit, `log_pieces` for other machines
tagging       changes of tags that steps have asked for
secrets       what steps ask for and only they may see, read before anything is built
recording     what is written down of a run when it begins; `git_state` is that of the flow's repository
system_tags   the tags that every run has
notes         what a flow asks for and a run here does not do
placing       which hosts each step may run on
hosts         those of the run: reached, asked what they have, given images
prepare       the lock and the image of every step, on each of its hosts
recorded      the images that a past run had, in their place; `gone` says why one is not to be had
adopting      tasks of a killed run that go on elsewhere, for the run that resumes it
continuing    what such a task had printed, and says, as a task of this run
left_there    containers that earlier runs have left on hosts
killing       ends a run from another process
stop_signals  Ctrl-C and its like, as events
launch        a whole run, from a loaded flow to its outcome
"""

from __future__ import annotations

__all__: list[str] = []

"""A run as the lines that Metaflow's `--quiet` leaves: the run, its tasks, and what they print."""

from __future__ import annotations

from dockerflow import progress
from dockerflow.cli.picture import Picture, after
from dockerflow.cli.plain import PlainView

SHOWN = (
    progress.RunBegan,
    progress.TaskLookedUp,
    progress.AttemptBegan,
    progress.TaskPrinted,
    progress.AttemptEnded,
    progress.RunEnded,
)


class QuietView(PlainView):
    """As `PlainView`, without what is told before the run and after it: but that it waits for a server is."""

    def notify(self, event: progress.Event) -> None:
        if isinstance(event, SHOWN) or (isinstance(event, progress.Noted) and self._picture.run_id):
            super().notify(event)
        elif self._picture.run_id:  # what is known of images is not told, so it need not be kept
            with self._lock:
                self._picture = after(self._picture, event, self._clock())

    def finish(self) -> Picture:
        return self._picture

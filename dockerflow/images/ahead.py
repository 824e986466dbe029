"""Send an engine the lowest layers of an image while those above them are still being made.

What is ready goes as an image of its own, a beginning of the one that is wanted, under a name that is taken back in the
end. The wanted image is sent as any other is, and finds the beginning there. So nothing depends on this: where it
fails, the engine just has fewer layers already.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from dockerflow.images.errors import ImageError
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.load import Restore, Sent
from dockerflow.images.ways import Order, Way

# Makes the image of some layers.
Beginning = Callable[[Sequence[Layer]], StepImage]


class SendingAhead:
    """For one image and its way, from `with` to its end. When it has been waited for, `sent` is what went ahead."""

    def __init__(self, way: Way, beginning: Beginning, restore: Restore) -> None:
        self._way = way
        self._beginning = beginning
        self._restore = restore
        self._changed = threading.Condition()
        self._ready: tuple[Layer, ...] = ()
        self._there = 0  # layers that the engine has, or that are not worth sending any more
        self._over = False
        self._thread: threading.Thread | None = None
        self.sent = Sent()

    def __enter__(self) -> SendingAhead:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self.wait()
        self._way.over(error)

    def wait(self) -> None:
        """Send no more; returns when what is under way has arrived."""
        with self._changed:
            self._over = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def __call__(self, layers: Sequence[Layer]) -> None:
        """These are ready, bottom first: more of them each time."""
        with self._changed:
            self._ready = tuple(layers)
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._send_all, name="ahead", daemon=True)
            self._thread.start()

    def _send_all(self) -> None:
        with suppress(ImageError, OSError):
            while layers := self._next():
                self.sent += self._way.ahead(Order(self._beginning(layers), self._restore))
                self._there = len(layers)

    def _next(self) -> tuple[Layer, ...]:
        """What to send next; nothing when all is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._worthwhile())
            return () if self._over else self._ready

    def _worthwhile(self) -> bool:
        return sum(one.size for one in self._ready[self._there :]) >= self._way.worthwhile

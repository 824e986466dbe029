"""It prints while it is imported, and its steps print when they have ended."""

import atexit
import logging.handlers
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

from dockerflow import FlowSpec, step

print("imported")
print("a warning of the import", file=sys.stderr)
atexit.register(print, "the import's own exit handler")
weakref.finalize(FlowSpec, print, "the import's own finalizer")


def late(text):
    threading.main_thread().join(0.05)
    print(text)


class Talkative(FlowSpec):
    @step
    def start(self):
        threading.Thread(target=late, args=["from a thread"]).start()
        ThreadPoolExecutor(1).submit(late, "from a pool")
        atexit.register(print, "at exit")
        self.next(self.end)

    @step
    def holds_back(self):
        weakref.finalize(self, print, "finalized")
        shown = logging.StreamHandler(sys.stdout)
        logging.getLogger().addHandler(logging.handlers.MemoryHandler(1000, target=shown))
        logging.getLogger().warning("held back")
        self.next(self.end)

    @step
    def fails(self):
        atexit.register(print, "at exit")
        threading.Thread(target=time.sleep, args=[3600]).start()
        raise ValueError("no")

    @step
    def leaves_a_daemon_thread(self):
        threading.Thread(target=lambda: (time.sleep(3600), print("late")), daemon=True).start()
        self.next(self.end)

    @step
    def exit_handler_fails(self):
        atexit.register(lambda: 1 / 0)
        self.next(self.end)

    @step
    def end(self):
        pass

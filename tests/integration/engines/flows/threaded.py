"""Its import leaves a thread that keeps a process from ending by itself."""

import threading
import time

from dockerflow import FlowSpec, step


def wait():
    while True:
        time.sleep(1)


threading.Thread(target=wait).start()


class Threaded(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass

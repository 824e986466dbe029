"""Its import leaves a thread, so its tasks have interpreters of their own, but for the step that wants to be forked."""

import atexit
import os
import threading
import time

from dockerflow import FlowSpec, isolation, step

print("imported by", os.getpid())
CHANGED = []
ASKED = []
atexit.register(print, "a handler of the import")
os.environ["IMPORTS"] = os.environ.get("IMPORTS", "") + "x"


def answer():
    while True:
        time.sleep(0.01)
        if ASKED:
            ASKED.clear()


threading.Thread(target=answer, daemon=True).start()


class Isolated(FlowSpec):
    @step
    def start(self):
        """The thread of the import answers, which it cannot in a fork."""
        ASKED.append("are you there?")
        while ASKED:
            time.sleep(0.01)
        CHANGED.append(1)
        self.changed = len(CHANGED)
        self.pid, self.folder, self.files = os.getpid(), os.getcwd(), os.listdir()
        self.imports = os.environ["IMPORTS"]
        self.next(self.forked)

    @isolation(level="fork")
    @step
    def forked(self):
        self.threads = len(os.listdir("/proc/self/task"))
        self.next(self.crashes)

    @step
    def crashes(self):
        os.abort()
        self.next(self.secretive)

    @step
    def secretive(self):
        self.token = os.environ["TOKEN"]
        with open("/proc/self/cmdline") as words, open("/proc/self/environ") as variables:
            self.told = self.token in words.read() + variables.read()
        self.next(self.sleeps)

    @step
    def sleeps(self):
        while True:
            try:
                time.sleep(60)
            except BaseException as error:  # noqa: BLE001 - that is what this step is about
                print(type(error).__name__)
        self.next(self.end)

    @step
    def end(self):
        pass

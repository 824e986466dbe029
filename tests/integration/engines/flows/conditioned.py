"""Steps that look at the conditions under which they run, or do not end when they should."""

import os
import time

from dockerflow import FlowSpec, secrets, step, timeout
from dockerflow.exception import TimeoutException

VALUE = "s3cr3t-" + "value"  # as a whole it stands nowhere in this file, nor in the code package

AT_IMPORT = os.environ.get("LEVEL")


def secret_files():
    folder = os.environ["DOCKERFLOW_SECRETS"]
    return {
        name: (open(os.path.join(folder, name)).read(), oct(os.stat(os.path.join(folder, name)).st_mode & 0o777))
        for name in sorted(os.listdir(folder))
    }


class Conditioned(FlowSpec):
    @secrets
    @step
    def start(self):
        self.level = AT_IMPORT
        self.variable = os.environ.get("TOKEN") == VALUE
        self.files = [(name, value == VALUE, mode) for name, (value, mode) in secret_files().items()]
        self.folder = os.environ["DOCKERFLOW_SECRETS"]
        self.folder_mode = oct(os.stat(self.folder).st_mode & 0o777)
        self.next(self.without)

    @step
    def without(self):
        self.variable = "TOKEN" in os.environ
        self.left = [name for name in os.listdir("/dev/shm") if name.startswith("dockerflow-secrets-")]
        self.environ = ""
        for process in ("1", "self"):
            try:
                with open(f"/proc/{process}/environ", encoding="utf-8") as stream:
                    self.environ += stream.read()
            except OSError:  # of another user, or of a worker that hides
                pass
        self.shared_memory = os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize >> 20
        self.next(self.crashes)

    @secrets
    @step
    def raw(self):
        with open(os.path.join(os.environ["DOCKERFLOW_SECRETS"], "RAW"), "rb") as stream:
            self.raw_bytes = [stream.read(), os.environb[b"RAW"]]
        self.next(self.end)

    @secrets
    @step
    def crashes(self):
        self.next(self.waits)
        os.abort()

    @secrets
    @step
    def waits(self):
        print("secrets are here", flush=True)
        while True:
            time.sleep(1)
        self.next(self.sleeps)

    @timeout(seconds=90, minutes=1)
    @step
    def sleeps(self):
        self.before = 1
        while True:
            time.sleep(1)
        self.next(self.recovers)

    @timeout(seconds=1)
    @step
    def recovers(self):
        try:
            while True:
                pass
        except TimeoutException as error:
            self.said = str(error)
        self.next(self.never_ends)

    @timeout(seconds=1)
    @step
    def never_ends(self):
        while True:
            try:
                print("begins again", flush=True)
                while True:
                    time.sleep(1)
            except Exception as error:  # noqa: BLE001 - this is what the step is about
                print(type(error).__name__, flush=True)
        self.next(self.end)

    @step
    def end(self):
        pass

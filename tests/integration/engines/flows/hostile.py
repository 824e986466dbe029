"""Steps that do what a step should not. Each is started by itself: the graph between them says nothing."""

import contextlib
import ctypes
import itertools
import os
import resource
import signal
import subprocess
import sys
import time

from dockerflow import FlowSpec, step


class Hostile(FlowSpec):
    @step
    def start(self):
        print("hello")
        print("careful", file=sys.stderr)
        self.answer = 42
        self.next(self.end)

    @step
    def raises(self):
        print("before")
        raise ValueError("this is mine")

    @step
    def raises_at_length(self):
        raise ValueError("x" * (70 << 20))

    @step
    def exits(self):
        print("last words")
        os._exit(3)

    @step
    def exits_well(self):
        os._exit(0)

    @step
    def kills_itself(self):
        print("last words")
        os.kill(os.getpid(), signal.SIGKILL)

    @step
    def crashes(self):
        print("last words", flush=True)
        ctypes.string_at(0)

    @step
    def eats_memory(self):
        print("hungry")
        self.held = [bytearray(os.urandom(1 << 20)) for _ in range(4096)]
        self.next(self.end)

    @step
    def its_child_eats_memory(self):
        code = "import os; held = [bytearray(os.urandom(1 << 20)) for _ in range(4096)]"
        subprocess.run([sys.executable, "-c", code], check=True)
        self.next(self.end)

    @step
    def writes_everywhere(self):
        for descriptor in range(256):
            with contextlib.suppress(OSError):
                os.write(descriptor, b"\xff\xff\xff\xff garbage \x00")
        self.done = True  # what a task leaves is not in the store before it
        self.next(self.end)

    @step
    def writes_into_the_worker(self):
        pids = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if pid != os.getpid()]
        self.written = []
        for path in itertools.chain.from_iterable(map(_open_files, pids)):
            with contextlib.suppress(OSError), open(path, "wb", buffering=0) as stream:
                stream.write(b'\x00\x00\x00\x0b["Ready",[]]')
                self.written.append(path)
        self.next(self.end)

    @step
    def looks_at_itself(self):
        for name in ("environ", "maps", "auxv", "mem"):
            with open("/proc/self/" + name, "rb") as stream:
                stream.read(0)
        with open("/dev/stdout", "w") as stream:
            stream.write("through the device\n")
        self.next(self.end)

    @step
    def closes_everything(self):
        os.closerange(0, 1024)
        self.next(self.end)

    @step
    def leaves_a_daemon(self):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.setsid()
                while True:
                    time.sleep(1)
            os._exit(0)
        os.wait()
        self.processes = _processes()
        self.next(self.end)

    @step
    def counts_processes(self):
        self.processes = _processes()
        self.next(self.end)

    @step
    def forks_without_end(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for count in itertools.count():
            try:
                if os.fork() == 0:
                    os.setsid()
                    signal.pause()
            except OSError:
                print(count)
                raise

    @step
    def prints_much(self):
        line = "x" * 99
        for _ in range(50_000):
            print(line)
        self.next(self.end)

    @step
    def prints_numbers(self):
        for number in range(200_000):
            print(f"{number:099d}")
        self.answer = 42
        self.next(self.end)

    @step
    def prints_until_told(self):
        print("waiting")
        while not os.path.exists("/tmp/told"):
            time.sleep(0.02)
        print("told")
        self.answer = 42
        self.next(self.end)

    @step
    def prints_without_end(self):
        while True:
            print("x" * 99)

    @step
    def prints_strangely(self):
        out = sys.stdout.buffer
        out.write(b"\xff\xfe no text\n")
        out.write("grün\r\n".encode())
        out.write(b"y" * 100_000 + b"\n")
        out.write(b"no end")
        out.flush()
        self.next(self.end)

    @step
    def prints_and_waits(self):
        print("waiting")
        while True:
            time.sleep(1)

    @step
    def asks(self):
        self.answer = input("who is there?")
        self.next(self.end)

    @step
    def looks_around(self):
        self.uid, self.gid = os.getuid(), os.getgid()
        self.cwd, self.listing = os.getcwd(), os.listdir(".")
        self.environment = dict(os.environ)
        self.unwritable = [path for path in ("/", "/opt", "/usr/bin", "/dockerflow/blobs", "/etc") if not _writes(path)]
        self.writable = [path for path in ("/tmp", "/work", "/dockerflow/outbox", ".") if _writes(path)]
        self.core = resource.getrlimit(resource.RLIMIT_CORE)
        self.sockets = [path for path in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(path)]
        with open("/proc/self/status") as status:
            self.status = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
        with open("/proc/self/oom_score_adj") as score:
            self.oom_score_adj = int(score.read())
        with open("left-behind", "w") as stream:
            stream.write("by a task")
        self.next(self.end)

    @step
    def end(self):
        pass


def _writes(folder):
    path = os.path.join(folder, "test-of-writing")
    try:
        with open(path, "w"):
            pass
        os.remove(path)
    except OSError:
        return False
    return True


def _open_files(pid):
    folder = f"/proc/{pid}/fd"
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder)]
    except OSError:
        return [os.path.join(folder, str(number)) for number in (*range(10), *range(100, 120))]


def _processes():
    """Those below the worker."""
    worker = os.getppid()
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if worker in _ancestors(pid)]


def _ancestors(pid):
    while pid > 1:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                pid = int(stat.read().rpartition(")")[2].split()[1])
        except OSError:
            return
        yield pid

"""What images on a remote host cost, beside `docker save | ssh host docker load`, and what a second host gains.

    python benchmarks/bench_hosts.py [--rounds 3] [--engine "docker 20.10"] [--mbit 100] [--only images]

The hosts are those of the tests: real engines in networks of their own at the end of a link, reached by SSH through a
real sshd (`tests/hosts`). With `--mbit` the link takes no more than so much from here. It needs root.

**Images.** Both sides send the same two images, which this machine's engine has when the clock starts: one with pandas
to a host that has never had one, then one that differs by one small package, then that one again. Each side has a host
of its own. Ours is a process that is connected already; what connecting takes is told apart. Theirs is the whole
command, which connects, too. Bytes are those that the link took from here, whatever they were for. The table has
medians, and in brackets how many times ours theirs takes.

**Tasks.** `dockerflow run` with a foreach of 200 tasks that sleep for half a second, eight at once on each host: on one
host, and on two. The whole command, with the images there, against a MinIO on this machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import yaml

sys.path.append(str(Path(__file__).resolve().parents[1]))  # the tests' channel, hosts and object server

from dockerflow.engines.docker import DockerHost
from dockerflow.environments.lock import Lock
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.images.base import DEFAULT_BASE
from dockerflow.images.image import StepImage
from dockerflow.images.provide import ImageProvider
from dockerflow.images.remote import Remote
from dockerflow.setup.channel import this_subdir
from dockerflow.setup.debian import which
from tests.channel import PANDAS_NEW, PYTHON, local_channel
from tests.engines.daemons import KINDS
from tests.hosts.keys import UsersKeys, users_keys
from tests.hosts.machines import Machine, running
from tests.object_servers import running as object_server

CASES = ("first image, empty host", "one package more", "nothing new")
TASKS = 200
AT_ONCE = 8

FLOW = f"""
import time
from dockerflow import FlowSpec, step


class Wide(FlowSpec):
    @step
    def start(self):
        self.numbers = list(range({TASKS}))
        self.next(self.work, foreach="numbers")

    @step
    def work(self):
        time.sleep(0.5)
        self.result = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(one.result for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        assert self.total == {TASKS * (TASKS - 1) // 2}


if __name__ == "__main__":
    Wide()
"""


def main() -> None:
    chosen = arguments()
    with tempfile.TemporaryDirectory(prefix="dockerflow-bench-") as name:
        bench = Bench(Path(name), chosen.engine, chosen.mbit, user(Path(name)))
        if chosen.only != "tasks":
            print(*bench.images(chosen.rounds), sep="\n", flush=True)
        if chosen.only != "images":
            print(*bench.tasks(chosen.rounds), sep="\n", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: 3)")
    parser.add_argument("--engine", choices=KINDS, default="docker 20.10", help="of the hosts (default: docker 20.10)")
    parser.add_argument("--mbit", type=int, default=0, help="what the link takes from here in a second (default: all)")
    parser.add_argument("--only", choices=("images", "tasks"), help="these alone")
    return parser.parse_args()


def user(folder: Path) -> UsersKeys:
    """Whom the hosts let in; every `ssh` that is called from now on is that user's."""
    ssh = which("ssh")
    if ssh is None:
        sys.exit("there is no `ssh`")
    (folder / "ssh").mkdir()
    keys = users_keys(folder / "ssh", ssh)
    os.environ["PATH"] = f"{keys.programs}:{os.environ['PATH']}"
    return keys


@dataclass(frozen=True)
class Took:
    seconds: float
    sent: int


@dataclass(frozen=True)
class Bench:
    folder: Path
    engine: str
    mbit: int
    keys: UsersKeys

    @contextmanager
    def machine(self, name: str) -> Iterator[Machine]:
        keys = Path(tempfile.mkdtemp(prefix=name, dir=self.folder))
        with running(name, self.engine, self.keys, keys) as machine:
            if self.mbit:
                limit = ["rate", f"{self.mbit}mbit", "burst", "256kb", "latency", "200ms"]
                subprocess.run(["tc", "qdisc", "add", "dev", machine.link.name, "root", "tbf", *limit], check=True)
            yield machine

    # ---- images

    def images(self, rounds: int) -> Iterator[str]:
        here = ImageProvider(docker.from_env(), DEFAULT_BASE, self.folder / "cache")
        locks = [lock(), lock(("tabulate", "0.9.0"))]
        images = [here.provide(one) for one in locks]
        found = [self.round(here, [*locks, locks[1]], [*images, images[1]]) for _ in range(rounds)]
        speed = f", {self.mbit} Mbit/s" if self.mbit else ""
        yield line([f"{self.engine}{speed}", "dockerflow", "docker save, load", "sent", "theirs"])
        yield line(["---"] * 5)
        for number, case in enumerate(CASES):
            ours, theirs = ([each[side][number] for each in found] for side in (0, 1))
            yield row(case, ours, theirs)
        yield f"connecting: {statistics.median(each[2] for each in found):.2f} s"

    def round(
        self, here: ImageProvider, locks: Sequence[Lock], images: Sequence[StepImage]
    ) -> tuple[list[Took], list[Took], float]:
        with self.machine("ours") as machine:
            began = time.perf_counter()
            host = DockerHost.reach(machine.ssh)
            connecting = time.perf_counter() - began
            there = Remote(host.name, host.client, host.url, host.platform, host.watch.wait_until_back, here=here)
            provider = ImageProvider(host.client, DEFAULT_BASE, self.folder / "cache", there)
            ours = [took(machine, lambda one=one: provider.provide(one)) for one in locks]  # type: ignore[misc]
            host.close()
        with self.machine("theirs") as machine:
            theirs = [took(machine, lambda one=one: self.piped(machine, one)) for one in images]  # type: ignore[misc]
        return ours, theirs, connecting

    def piped(self, machine: Machine, image: StepImage) -> None:
        load = f"ssh {machine.name} docker load" if self.engine != "podman" else f"ssh {machine.name} podman load"
        subprocess.run(["sh", "-ec", f"docker save {image.reference} | {load}"], stdout=subprocess.DEVNULL, check=True)

    # ---- tasks

    def tasks(self, rounds: int) -> Iterator[str]:
        with ExitStack() as stack:
            server = stack.enter_context(object_server("minio", self.folder / "minio"))
            machines = [stack.enter_context(self.machine(name)) for name in ("one", "two")]
            self._configure(machines, server.port)
            (self.folder / "flow.py").write_text(FLOW)
            variables = {
                **os.environ,
                **server.settings(),
                "HOME": str(self.folder),
                "XDG_CONFIG_HOME": str(self.folder / "config"),
                "DOCKERFLOW_STORE": f"s3://{server.bucket()}/bench",
                "DOCKERFLOW_CHANNELS": local_channel().url,
                "DOCKERFLOW_CACHE_DIR": str(self.folder / "cache"),
            }
            run = [self._command(hosts, variables) for hosts in ("one,two", "one")]
            run[0]()  # images
            both, one = ([seconds(each) for _ in range(rounds)] for each in run)
        two, single = statistics.median(both), statistics.median(one)
        took = f"one host {single:.2f} s, two {two:.2f} s ({single / two:.2f}x)"
        yield f"{TASKS} tasks of 0.5 s, {AT_ONCE} at once on each host: {took}"

    def _configure(self, machines: Sequence[Machine], port: int) -> None:
        hosts = {
            machine.name: {
                "url": machine.ssh.url,
                "s3_endpoint": f"http://{machine.link.here}:{port}",
                "max_workers": AT_ONCE,
            }
            for machine in machines
        }
        path = self.folder / "config" / "dockerflow" / "config.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(yaml.safe_dump({"hosts": hosts}))

    def _command(self, hosts: str, variables: dict[str, str]) -> Callable[[], object]:
        program = Path(sys.executable).with_name("dockerflow")
        at_once = str(AT_ONCE * len(hosts.split(",")))
        command = [program, "run", self.folder / "flow.py", "--host", hosts, "--max-workers", at_once]

        def run() -> None:
            output = self.folder / "output"
            with output.open("wb") as file:
                done = subprocess.run(command, env=variables, cwd=self.folder, stdout=file, stderr=file, check=False)
            if done.returncode:
                sys.exit(output.read_text())

        return run


def lock(*more: tuple[str, str]) -> Lock:
    libraries = (("pandas", PANDAS_NEW), *more)
    return solve(EnvironmentSpec(PYTHON, libraries, (local_channel().url,), this_subdir()))


def took(machine: Machine, action: Callable[[], object]) -> Took:
    before = sent_to(machine)
    found = seconds(action)
    return Took(found, sent_to(machine) - before)


def sent_to(machine: Machine) -> int:
    """Bytes that the link took from here."""
    return int(Path(f"/sys/class/net/{machine.link.name}/statistics/tx_bytes").read_text())


def seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def row(case: str, ours: Sequence[Took], theirs: Sequence[Took]) -> str:
    mine, other = (statistics.median(one.seconds for one in side) for side in (ours, theirs))
    sent, others = (statistics.median(one.sent for one in side) for side in (ours, theirs))
    cells = [case, f"{mine:.2f} s", f"{other:.2f} s ({other / mine:.1f}x)"]
    return line([*cells, megabytes(sent), f"{megabytes(others)} ({others / sent:.1f}x)"])


def megabytes(size: float) -> str:
    return f"{size / 1e6:.2f} MB"


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()

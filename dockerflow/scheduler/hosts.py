"""The hosts of one run: reached all at once, asked what they have, given the images of the steps that run there.

Everything that a step could miss on a host is told before the run exists. A host of a pool that cannot be reached, or
that has less than a step asks for, is left out where others remain. Docker's libraries are imported only for Docker.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from dockerflow import hosts as known
from dockerflow import progress
from dockerflow.config import Config
from dockerflow.engines.errors import EngineError, NoGpu
from dockerflow.engines.worker import Host
from dockerflow.flow.definition import Flow
from dockerflow.host_settings import LOCAL, HostSettings
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler import capacity
from dockerflow.scheduler.capacity import Share
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.left_there import remove_left
from dockerflow.scheduler.origin import Reproduced
from dockerflow.scheduler.placing import named, places
from dockerflow.scheduler.values import HostPlan
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore

if TYPE_CHECKING:
    from dockerflow.engines.docker import DockerHost
    from dockerflow.scheduler.prepare import Preparation, StepEnvironment

# What the steps that may run on a host run in there, by step; nothing where steps run without images.
Environments = Mapping[str, "StepEnvironment"]

Places = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class There:
    """A host of the run, and what is ready on it. `gpus` is how many containers can have; None: nobody knows."""

    host: Host
    settings: HostSettings
    network: str
    environments: Environments
    gpus: int | None = None
    engine: DockerHost | None = None  # the same host, where it is an engine

    @property
    def platform(self) -> str:
        """The conda subdir of what runs there; nothing where steps run without images."""
        return self.engine.platform if self.engine else ""

    @property
    def capacity(self) -> Share:
        return capacity.of_host(self.host.cpus, self.host.memory, self.gpus)


@dataclass(frozen=True)
class Hosts:
    """`places` are the hosts of each step, the preferred first."""

    by_name: Mapping[str, There]
    places: Places

    def environments(self, step: str) -> dict[str, StepEnvironment]:
        """What the step runs in, by platform, that of the first of its hosts first; nothing where steps run without
        images."""
        found: dict[str, StepEnvironment] = {}
        for there in map(self.by_name.__getitem__, self.places[step]):
            if step in there.environments:
                found.setdefault(there.platform, there.environments[step])
        return found

    def plans(self, max_workers: int | None) -> dict[str, HostPlan]:
        """`max_workers` is what the user says of all hosts together: then no host has a limit of its own but by its
        settings."""
        return {name: HostPlan(there.capacity, _at_once(there, max_workers)) for name, there in self.by_name.items()}


def _at_once(there: There, asked: int | None) -> int:
    usual = capacity.usual_workers(there.host.cpus, there.host.memory)
    return there.settings.max_workers or asked or usual


@dataclass(frozen=True)
class Wanted:
    """What of a run decides where it runs. `chosen` are the hosts of the command line; in the images of the run that is
    `reproduced`, if there is one."""

    flow: Flow
    config: Config
    store: Store
    chosen: tuple[str, ...] = ()
    reproduced: Reproduced | None = None


@contextmanager
def without_images(flow: Flow) -> Iterator[Hosts]:
    """This machine, whose Python runs all steps as processes."""
    from dockerflow.engines.process import ProcessHost  # noqa: PLC0415

    there = There(ProcessHost(), HostSettings(LOCAL, ""), "host", {})
    yield Hosts({LOCAL: there}, dict.fromkeys(flow.steps, (LOCAL,)))


@contextmanager
def ready(wanted: Wanted, notify: progress.Notify) -> Iterator[Hosts]:
    """The hosts of a run, connected until the end of the `with`.

    Raises RunError for a host that nobody knows or a step that fits on none of its hosts, EngineError for one that a
    step cannot do without and cannot be reached, StoreError where steps could not reach the store, and what preparing
    images raises.
    """
    found = asked(wanted)
    with _connected(wanted.config, found, notify) as (connected, reached):
        yield _prepared(wanted, connected, _fitting(wanted.flow, connected, reached, notify), notify)


def asked(wanted: Wanted) -> Places:
    """The hosts of each step as it and the command line name them, of which none was looked at yet. Raises RunError for
    one that nobody knows."""
    return places(wanted.flow, wanted.chosen, wanted.config)


# ---- reaching them


@contextmanager
def _connected(
    config: Config, places: Places, notify: progress.Notify
) -> Iterator[tuple[dict[str, DockerHost], Places]]:
    """The hosts by name, and where steps may run without those that cannot be reached. With remote ones the engine of
    this machine is among them, if it answers: it makes their images."""
    names = named(places)
    if names != (LOCAL,):
        names = tuple(dict.fromkeys((LOCAL, *names)))
    import dockerflow.engines.docker  # noqa: PLC0415 - here: threads that import it at once trip over each other

    connecting = {name: _connecting(name, config) for name in names}
    import dockerflow.scheduler.prepare  # noqa: PLC0415, F401 - while the engines answer

    hosts: dict[str, DockerHost] = {}
    try:
        for name, future in connecting.items():
            try:
                hosts[name] = future.result()
            except EngineError as error:
                places = _without(name, error, places, notify)
        yield hosts, places
    finally:
        for each in connecting.values():
            each.add_done_callback(_close)


def _connecting(name: str, config: Config) -> Future[DockerHost]:
    """In a thread that nobody has to wait for, not even the interpreter's end: a host may take a minute to answer."""
    future: Future[DockerHost] = Future()

    def connect() -> None:
        try:
            future.set_result(_connect(name, config))
        except BaseException as error:  # noqa: BLE001 - raised where the result is wanted
            future.set_exception(error)

    threading.Thread(target=connect, name=f"connect-{name}", daemon=True).start()
    return future


def _connect(name: str, config: Config) -> DockerHost:
    from dockerflow.engines.docker import DockerHost  # noqa: PLC0415

    if name == LOCAL:
        return DockerHost.connect(config.engine, patience=config.host_patience)
    return DockerHost.reach(known.named(config, name), config.host_patience)


def _close(connecting: Future[DockerHost]) -> None:
    """Also one that is connected only when nobody wants it any more."""
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().close()


def _without(name: str, error: EngineError, places: Places, notify: progress.Notify) -> Places:
    """The places where the host is not there. Raises the error for a step that has no other."""
    if any(hosts == (name,) for hosts in places.values()):
        raise error
    if name not in named(places):
        return places
    notify(progress.Noted(f"the run goes on without the host `{name}`: {error.message}"))
    return {step: tuple(host for host in hosts if host != name) for step, hosts in places.items()}


# ---- what they have


def _fitting(
    flow: Flow, hosts: Mapping[str, DockerHost], places: Places, notify: progress.Notify
) -> dict[str, tuple[str, ...]]:
    """The hosts of each step that have what it asks for. Raises RunError for a step that fits on none."""
    there = {name: (hosts[name].name, _without_gpus(hosts[name])) for name in named(places)}
    found = {step: _enough(flow, step, {name: there[name] for name in names}) for step, names in places.items()}
    for name, (called, share) in there.items():
        if text := capacity.greedy(_restricted(flow, found, name), called, share):
            notify(progress.Noted(text))
    return found


def _without_gpus(host: Host) -> Share:
    """What it has; its GPUs are counted when there is an image to do it in."""
    return capacity.of_host(host.cpus, host.memory)


def _enough(flow: Flow, step: str, hosts: Mapping[str, tuple[str, Share]]) -> tuple[str, ...]:
    """Those of the hosts, each with what it is called and has, on which the step can run."""
    enough = []
    for name, (called, share) in hosts.items():
        with suppress(RunError):
            capacity.require(_only(flow, (step,)), called, share)
            enough.append(name)
    if not enough:
        called, share = next(iter(hosts.values()))
        capacity.require(_only(flow, (step,)), called, share)  # it raises
    return tuple(enough)


def _only(flow: Flow, steps: Sequence[str]) -> Flow:
    return replace(flow, steps={name: flow.steps[name] for name in steps})


def _restricted(flow: Flow, places: Places, host: str) -> Flow:
    """The flow with those steps alone that may run on the host."""
    return _only(flow, [step for step, hosts in places.items() if host in hosts])


# ---- what they are given


def _prepared(
    wanted: Wanted, hosts: Mapping[str, DockerHost], places: dict[str, tuple[str, ...]], notify: progress.Notify
) -> Hosts:
    from dockerflow.engines.leftovers import remove_leftovers  # noqa: PLC0415
    from dockerflow.scheduler.prepare import prepare  # noqa: PLC0415

    needed = {name: hosts[name] for name in named(places)}
    for name, host in needed.items():
        _require_store(wanted, name, host, places)
        remove_leftovers(host.client, host.url)
        if host.is_remote:
            remove_left(wanted.store, host)
    prepared = prepare(_preparation(wanted, hosts, places, notify))
    gpus, refused = _gpus_of_all(wanted.flow, needed, places, prepared)
    there = {
        name: There(
            host, known.named(wanted.config, name), _network(wanted.config, host), prepared[name], gpus[name], host
        )
        for name, host in needed.items()
    }
    with_gpus = {step: _with_gpus(wanted.flow, step, names, there, refused) for step, names in places.items()}
    return Hosts(there, {step: _those_with_image_first(step, names, there) for step, names in with_gpus.items()})


def _preparation(
    wanted: Wanted, hosts: Mapping[str, DockerHost], places: Places, notify: progress.Notify
) -> Preparation:
    from dockerflow.scheduler.prepare import Preparation  # noqa: PLC0415

    if wanted.reproduced is None:
        return Preparation(wanted.flow, hosts, places, wanted.config, wanted.store, notify)
    from dockerflow.scheduler.recorded import RecordedPreparation  # noqa: PLC0415

    return RecordedPreparation(
        wanted.flow, hosts, places, wanted.config, wanted.store, notify, reproduced=wanted.reproduced
    )


def _with_gpus(
    flow: Flow, step: str, names: Sequence[str], there: Mapping[str, There], refused: Mapping[str, NoGpu]
) -> tuple[str, ...]:
    """Those of the hosts on which the step can run. Raises what the first said for which none is left."""
    try:
        return _enough(flow, step, {name: (there[name].host.name, there[name].capacity) for name in names})
    except RunError as error:
        raise next((refused[name] for name in names if name in refused), error) from None


def _those_with_image_first(step: str, names: tuple[str, ...], there: Mapping[str, There]) -> tuple[str, ...]:
    """In the order in which they were named, but those that had the step's image before the others."""
    return tuple(sorted(names, key=lambda name: not there[name].environments[step].was_there))


def _network(config: Config, host: DockerHost) -> str:
    return host.settings.network or config.network


def _require_store(wanted: Wanted, name: str, host: DockerHost, places: Places) -> None:
    """Raises RunError or StoreError where steps on the host could not reach the store."""
    if not isinstance(wanted.store, DirectoryStore):
        from dockerflow.scheduler.bucket import place_for_steps  # noqa: PLC0415 - the SDK only for a bucket

        place_for_steps(wanted.store, wanted.config, host)
    elif host.is_remote:
        step = next(step for step, hosts in places.items() if name in hosts)
        raise RunError(
            f"step `{step}` is to run on the host `{name}`, and the store is a folder of this machine: "
            f"`{wanted.store.root}`",
            "name a bucket on a server that both machines reach, in `.dockerflow/config.yaml`:\n"
            "    store: s3://BUCKET/PREFIX\n"
            "    s3_endpoint: http://ADDRESS:9000",
        )


def _gpus_of_all(
    flow: Flow, hosts: Mapping[str, DockerHost], places: Places, prepared: Mapping[str, Environments]
) -> tuple[dict[str, int | None], dict[str, NoGpu]]:
    """How many containers can have on each host, and why where that is none."""
    found: dict[str, int | None] = {}
    refused: dict[str, NoGpu] = {}
    for name, host in hosts.items():
        try:
            found[name] = _gpus(_restricted(flow, places, name), host, prepared[name])
        except NoGpu as error:
            found[name], refused[name] = 0, error
    return found, refused


def _gpus(flow: Flow, host: DockerHost, environments: Environments) -> int | None:
    """How many containers can have, if any step asks for one and that is known. Raises NoGpu for a step that cannot
    have what it asks for."""
    from dockerflow.engines import gpu  # noqa: PLC0415

    asking = [
        gpu.Wanted(step.name, environments[step.name].container_image, environments[step.name].python, count)
        for step in flow.steps.values()
        if (count := capacity.of_step(step).gpus)
    ]
    there = gpu.available(host.client, host.url, asking[0]) if asking else None
    for wanted in asking if there is None else ():
        gpu.require(host.client, host.url, wanted)
    return there

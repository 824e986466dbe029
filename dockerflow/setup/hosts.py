"""Look at one Docker host and say what a run would find there: everything that its steps need, each tried.

Changes nothing but that a host without the base image is given it: what runs there stands on it, also the container in
which the rest is tried.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from dockerflow.buckets.credentials import identity
from dockerflow.buckets.errors import NoBucket
from dockerflow.buckets.opening import open_bucket
from dockerflow.buckets.places import for_containers, for_host, place_of
from dockerflow.buckets.sdk import SdkObjects
from dockerflow.config import Config
from dockerflow.engines import gpu
from dockerflow.engines.boundary import translated
from dockerflow.engines.docker import DockerHost
from dockerflow.engines.errors import EngineError
from dockerflow.errors import DockerflowError
from dockerflow.host_settings import LOCAL, HostSettings
from dockerflow.host_values import require_files
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.setup import host_base, storage, store_there
from dockerflow.setup.finding import Finding, Notify
from dockerflow.setup.store_there import Asked, NotReached
from dockerflow.setup.trial import Program, started
from dockerflow.store.names import is_in_bucket
from dockerflow.store.s3.place import Place

CONNECTION = "connection"

_LOOK = "echo hello && df -Pk /"
_GPUS = "nvidia-smi -L"

# The schemes by which an engine is on another machine, or may be.
_REMOTE = ("ssh://", "tcp://")

_FOLDER = "write into `.dockerflow/config.yaml` a bucket of a server that both can reach:"


@dataclass(frozen=True)
class _Look:
    """A host that answers, and what a run there would go by."""

    host: DockerHost
    config: Config
    start: Path

    @property
    def settings(self) -> HostSettings:
        return self.host.settings

    @property
    def network(self) -> str:
        return self.settings.network or self.config.network


def check(settings: HostSettings, config: Config, start: Path, notify: Notify) -> Iterator[Finding]:
    """Every finding, as soon as it is known; `notify` is told what takes a while. `start` is where a run would begin.

    Raises nothing: what is wrong is a finding.
    """
    began = time.monotonic()
    try:
        require_files(settings)
        host = _connected(settings, config)
    except DockerflowError as error:
        yield Finding(CONNECTION, "broken", error.message, _hint(error))
        return
    with closing(host):
        yield _connection(host, time.monotonic() - began)
        try:
            with translated("look at the host", host.url):
                yield from _there(_Look(host, config, start), notify)
        except DockerflowError as error:
            yield Finding("engine", "broken", error.message, _hint(error))


def _hint(error: DockerflowError) -> str | None:
    """What to try; others say to look at the host, which is being done."""
    if error.hint and "hosts check" in error.hint:
        return "see whether the host and its engine run, and whether a network or firewall keeps this machine from them"
    return error.hint


def _connected(settings: HostSettings, config: Config) -> DockerHost:
    if settings.name == LOCAL and not settings.url.startswith(_REMOTE):
        return DockerHost.connect(config.engine, patience=config.host_patience)
    return DockerHost.reach(settings, config.host_patience)


def _connection(host: DockerHost, took: float) -> Finding:
    is_open = host.url.startswith("tcp://") and host.settings.ca is None
    hint = "it is not protected: whoever reaches that port is root there; give the engine TLS, or use `ssh://`"
    return Finding(CONNECTION, "ok", f"`{host.url}` answers in {_seconds(took)}", hint if is_open else None)


def _there(look: _Look, notify: Notify) -> Iterator[Finding]:
    yield _engine(look.host)
    base = host_base.ensure(look.host, look.config, notify)
    yield base
    if not base.good:
        return
    yield from _container(look)
    yield _gpus(look)
    yield from _store(look)


def _engine(host: DockerHost) -> Finding:
    name = "Podman" if host.about.is_podman else "Docker"
    rootless = ", rootless" if host.about.is_rootless else ""
    version = f"{name} {host.about.version.get('Version')} with API {host.about.version.get('ApiVersion')}{rootless}"
    try:
        what = f"{host.platform}, {host.cpus} CPUs, {host.memory / 2**30:.1f} GiB of memory"
    except EngineError as error:
        return Finding("engine", "broken", error.message, error.hint)
    return Finding("engine", "ok", f"{version}, {what}")


def _container(look: _Look) -> Iterator[Finding]:
    """A container as steps have it, and the room that is left for it."""
    image = look.config.base_image
    began = time.monotonic()
    try:
        with started(look.host, Program(image, look.network, _LOOK)) as trial:
            said, errors = trial.finish()
    except EngineError as error:
        hint = (
            "see whether it has that network: `network` of the host, or the setting"
            if "network" in str(error)
            else None
        )
        yield Finding("container", "broken", error.message, hint or error.hint)
        return
    if not said.startswith("hello"):
        yield Finding("container", "broken", f"one of `{image}` says nothing but `{errors.strip() or said.strip()}`")
        return
    yield Finding(
        "container", "ok", f"one of `{image}` starts, runs and is gone in {_seconds(time.monotonic() - began)}"
    )
    free = _free(said)
    if free is not None:
        is_enough = free >= storage.ENOUGH
        hint = None if is_enough else "remove unused images there with `docker image prune`"
        yield Finding(
            "disk", "ok" if is_enough else "broken", f"{free / 2**30:.1f} GiB free where containers are", hint
        )


def _free(said: str) -> int | None:
    """The bytes in the last line of `df -Pk`."""
    cells = said.splitlines()[-1].split()
    return int(cells[3]) * 1024 if len(cells) > 3 and cells[3].isdecimal() else None


def _gpus(look: _Look) -> Finding:
    """None is nothing wrong: most steps want none."""
    try:
        with started(look.host, Program(look.config.base_image, "none", _GPUS, devices=gpu.ALL)) as trial:
            said, _ = trial.finish()
    except EngineError:
        return Finding("GPUs", "ok", "none that a container could have")
    count = gpu.listed(said)
    return Finding("GPUs", "ok", "none that a container could have" if not count else f"{count} for containers")


def _store(look: _Look) -> Iterator[Finding]:
    here = storage.look_at_store(look.config, look.start)
    if not is_in_bucket(look.config.store):
        yield _of_folder(here) if look.host.is_remote else here
        return
    if not here.good:
        yield here
        return
    yield _of_bucket(look)


# Below a hint, as `doctor` prints one.
_INDENT = " " * 15


def _of_folder(here: Finding) -> Finding:
    text = f"a folder of this machine, which containers there do not see ({here.text})"
    lines = "store: s3://BUCKET/PREFIX", "s3_endpoint: http://ADDRESS:9000"
    return Finding("store", "broken", text, "\n".join([_FOLDER, *(f"{_INDENT}{line}" for line in lines)]))


def _of_bucket(look: _Look) -> Finding:
    name = str(look.config.store)
    try:
        place = _place(look, _ours(name, look.config))
        asked = Asked(look.host, look.config.base_image, look.network)
        took = store_there.seconds_to_answer(asked, place, identity(look.config)())
    except NotReached as reason:
        text = f"a container there does not reach `{name}` at `{place.endpoint}`: {reason}"
        return Finding("store", "broken", text, _reachable(look.settings))
    except DockerflowError as error:
        return Finding("store", "broken", error.message, error.hint)
    return Finding(
        "store", "ok", f"a container there reaches `{name}` at `{place.endpoint}`, answered in {_seconds(took)}"
    )


def _ours(name: str, config: Config) -> Place:
    """The bucket as this machine sees it. One that is not there is made by the first run, if its server is reached."""
    with suppress(NoBucket):
        objects = open_bucket(name, config).objects
        if isinstance(objects, SdkObjects):
            return objects.place  # in the region that the server says
    return place_of(name, config)


def _place(look: _Look, place: Place) -> Place:
    """The bucket as steps there see it. Raises StoreError."""
    if look.host.is_remote:
        return for_host(place, look.config, look.settings)
    return for_containers(place, look.config, look.host.gateway(look.config.network))


def _reachable(settings: HostSettings) -> str:
    listens = "let the server listen on all addresses, and no firewall keep the host from it"
    where = "`s3_containers_endpoint`" if settings.name == LOCAL else f"`s3_endpoint` of the host `{settings.name}`"
    return f"{listens}; name it as containers there see it with {where}"


def _seconds(took: float) -> str:
    return f"{1000 * took:.0f} ms" if took < 0.1 else f"{took:.1f} s"

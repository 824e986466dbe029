"""The lock and the image of every step on each of its hosts, before the first task runs.

Steps that ask for the same share one lock and one image, on all hosts of one architecture. Different ones are locked
and built side by side; the first that cannot be had ends the preparation, since a run without one of its environments
cannot succeed. A step that brings its own image has no lock, and nothing is built for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import cached_property
from pathlib import PurePath
from typing import Any

from dockerflow.config import Config
from dockerflow.engines.container import PYTHON
from dockerflow.engines.docker import DockerHost
from dockerflow.environments.lock import Lock
from dockerflow.environments.lock_file import dumps
from dockerflow.environments.locks import lock_for
from dockerflow.environments.request import environment_for
from dockerflow.environments.spec import Environment, GivenImage
from dockerflow.flow.definition import Flow
from dockerflow.host_settings import LOCAL
from dockerflow.images import build_history, pushed
from dockerflow.images.build_history import LastBuild
from dockerflow.images.errors import ImageError
from dockerflow.images.far import FarEngine
from dockerflow.images.image import OwnPython
from dockerflow.images.own_image import OwnImages, Wanted
from dockerflow.images.provide import ImageProvider
from dockerflow.images.recorded_base import Recorded
from dockerflow.images.remote import Remote
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import Event, ImageReady, Notify
from dockerflow.scheduler.placing import named
from dockerflow.store.base import Store

# Environments that are solved and built at once: building one already uses every core.
AT_ONCE = 4


@dataclass(frozen=True)
class StepEnvironment:
    """What a step runs in, as its record says it: see `StepRecord`. Containers are made of `container_image`: the ID
    of a user's image, so that a tag that moves changes nothing in a run. `own` is set for such an image.
    """

    image: str
    container_image: str
    python: str  # path inside the image
    python_version: str
    config_digest: str
    manifest_digest: str
    base_image: str = ""
    base_digest: str = ""
    repository_digest: str = ""
    lock: str = ""  # sha256 of the conda-lock file in the store
    spec_hash: str = ""
    transform: str = ""
    own: OwnPython | None = None
    was_there: bool = True  # the engine had the image before


def environments(flow: Flow, config: Config, target: str) -> dict[Environment, tuple[str, ...]]:
    """The distinct environments of a flow for the platform `target`, each with the steps that ask for it."""
    found: dict[Environment, tuple[str, ...]] = {}
    for step in flow.steps.values():
        environment = environment_for(step, config.channels, config.indexes, target)
        found[environment] = (*found.get(environment, ()), step.name)
    return found


@dataclass(frozen=True)
class Preparation:
    """What a flow's steps need, and where: `places` are the hosts of each step, which are among `hosts`. The engine of
    this machine, if it is there, makes the images of the others as well. Threads share it.
    """

    flow: Flow
    hosts: Mapping[str, DockerHost]
    places: Mapping[str, tuple[str, ...]]
    config: Config
    store: Store
    notify: Notify

    @cached_property
    def providers(self) -> Mapping[str, ImageProvider]:
        """Of each host that is used, and is not given images by its user alone. Raises BaseImageError."""
        return providers(self, self.config.base_image, Recorded(mirror=self.store.blobs))

    def wanted(self, flow: Flow, platform: str) -> Mapping[Any, tuple[str, ...]]:
        """What the steps of `flow` are to run in, each with those that have it in common."""
        return environments(flow, self.config, platform)

    def begin(self, jobs: Sequence[Job]) -> None:
        """Before any thread asks: a base that cannot be had is told at once."""
        if any(not isinstance(job.environment, GivenImage) for job in jobs):
            self.providers  # noqa: B018 - it is made now

    def of(self, job: Job) -> dict[str, StepEnvironment]:
        """By host."""
        if isinstance(job.environment, GivenImage):
            return {name: self._own(name, job.environment, job.steps) for name in job.hosts}
        lock = lock_for(job.environment, self.store, self.flow.file, self.notify, job.steps)
        return first_then_others(job.hosts, lambda name: self._assembled(name, lock, job.steps))

    def _assembled(self, host: str, lock: Lock, steps: tuple[str, ...]) -> StepEnvironment:
        provider, sent = self.providers[host], list[int]()

        def notify(event: Event) -> None:
            if isinstance(event, ImageReady):
                sent.append(event.layers_sent)
            self.notify(event)

        image = provider.provide(lock, notify, steps)
        parts = provider.key_parts(lock)
        self._remember(steps, LastBuild(image.reference, image.config_digest, parts))
        return StepEnvironment(
            image=image.reference,
            container_image=image.reference,
            python=PYTHON,
            python_version=_python_version(lock),
            config_digest=image.config_digest,
            manifest_digest=image.manifest_digest,
            base_image=provider.base.name,
            base_digest=image.base_digest,
            repository_digest=next(iter(pushed.repository_digests(self.config.cache_dir, image.manifest_digest)), ""),
            lock=self.store.blobs.put([dumps(lock).encode()]),
            spec_hash=lock.spec_hash,
            transform=parts.transform,
            was_there=not any(sent),
        )

    def _own(self, name: str, asked: GivenImage, steps: tuple[str, ...]) -> StepEnvironment:
        environment = self.own(name, asked.name, steps)
        self._remember(steps, LastBuild(environment.image, environment.container_image, None))
        return environment

    def own(self, name: str, image_name: str, steps: tuple[str, ...]) -> StepEnvironment:
        """An image of the user's own, on one host. Raises `ImageError`."""
        host = self.hosts[name]
        first = self.flow.steps[steps[0]]
        place = f"step `{first.name}` ({PurePath(first.file).name}:{first.line})"
        far = FarEngine(_remote(host), self.config.cache_dir) if host.is_remote else None
        here = self.hosts[LOCAL] if far is not None and LOCAL in self.hosts else None
        client = here.client if here is not None and not here.is_remote else None
        images = OwnImages(host.client, self.config.cache_dir, host.platform, host.user, far, client)
        image = images.provide(Wanted(image_name, steps, place), self.notify)
        return StepEnvironment(
            image=image.name,
            container_image=image.id,
            python=image.python.path,
            python_version=image.python.version,
            config_digest=image.config_digest,
            manifest_digest=image.manifest_digest,
            repository_digest=image.repository_digest,
            own=image.python,
        )

    def _remember(self, steps: tuple[str, ...], build: LastBuild) -> None:
        for step in steps:
            build_history.note(self.config.cache_dir, build_history.Whose(self.flow.file, self.flow.name, step), build)


@dataclass(frozen=True)
class Job:
    """An environment, the steps that ask for it, and the hosts of one platform on which they may run. What it is, the
    preparation says that made it: of what steps ask for an `Environment`.
    """

    environment: Any
    steps: tuple[str, ...]
    hosts: tuple[str, ...]


def _jobs(preparation: Preparation) -> Iterator[Job]:
    """The engine of this machine comes first where it is among the hosts: what it makes is what others are sent."""
    flow, places = preparation.flow, preparation.places
    used = sorted(named(places), key=lambda name: name != LOCAL)
    for platform in dict.fromkeys(preparation.hosts[name].platform for name in used):
        hosts = [name for name in used if preparation.hosts[name].platform == platform]
        there = {name: step for name, step in flow.steps.items() if not set(hosts).isdisjoint(places[name])}
        for environment, steps in preparation.wanted(replace(flow, steps=there), platform).items():
            wanted = {host for step in steps for host in places[step]}
            yield Job(environment, steps, tuple(host for host in hosts if host in wanted))


def first_then_others(hosts: Sequence[str], give: Callable[[str], StepEnvironment]) -> dict[str, StepEnvironment]:
    """By host. The first builds what is missing, the others are sent it side by side."""
    first, *others = hosts
    given = {first: give(first)}
    if others:
        with ThreadPoolExecutor(len(others), thread_name_prefix="send") as pool:
            given |= dict(zip(others, pool.map(give, others)))
    return given


def prepare(preparation: Preparation) -> Mapping[str, Mapping[str, StepEnvironment]]:
    """Lock, build and load what every step needs; by host and step. Raises EnvironmentsError, ImageError or
    EngineError."""
    jobs = list(_jobs(preparation))
    preparation.begin(jobs)
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="prepare")
    try:
        futures = {pool.submit(preparation.of, job): job for job in jobs}
        _wait(futures)
        found: dict[str, dict[str, StepEnvironment]] = {name: {} for name in named(preparation.places)}
        for future, job in futures.items():
            for host, environment in future.result().items():
                found[host].update({step: environment for step in job.steps if host in preparation.places[step]})
        return found
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def providers(preparation: Preparation, base_name: str, recorded: Recorded) -> dict[str, ImageProvider]:
    """What makes images upon this base, for each host that is used. Raises BaseImageError."""
    config, hosts, used = preparation.config, preparation.hosts, named(preparation.places)
    found: dict[str, ImageProvider] = {}
    here = None
    if LOCAL in hosts and not hosts[LOCAL].is_remote:
        try:
            here = ImageProvider(hosts[LOCAL].client, base_name, config.cache_dir, recorded=recorded)
        except ImageError:
            if LOCAL in used:
                raise
    if here is not None and LOCAL in used:
        found[LOCAL] = here
    for name in used:
        if hosts[name].is_remote:
            remote = _remote(hosts[name], here)
            found[name] = ImageProvider(remote.client, base_name, config.cache_dir, remote, recorded)
    return found


def _remote(host: DockerHost, here: ImageProvider | None = None) -> Remote:
    def look_and_wait() -> bool:
        host.watch.suspect()
        return host.watch.wait_until_back()

    return Remote(
        name=host.name,
        client=host.client,
        url=host.url,
        platform=host.platform,
        wait_until_back=look_and_wait,
        registry=host.settings.registry,
        here=here,
    )


def _wait(futures: Mapping[Future[dict[str, StepEnvironment]], object]) -> None:
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()


def _python_version(lock: Lock) -> str:
    """Of the image's own Python; a lock without one has none."""
    found = (one.version for one in lock.packages if (one.manager, one.name) == ("conda", "python"))
    return next(found, "")

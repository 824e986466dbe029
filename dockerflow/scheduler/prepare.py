"""The lock and the image of every step, before the first task runs.

Steps that ask for the same share one lock and one image. Different ones are locked and built side by side; the first
that cannot be had ends the preparation, since a run without one of its environments cannot succeed. A step that brings
its own image has no lock, and nothing is built for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from functools import cached_property
from pathlib import PurePath

from dockerflow.config import Config
from dockerflow.engines.container import PYTHON
from dockerflow.engines.docker import DockerHost
from dockerflow.environments.lock import Lock
from dockerflow.environments.lock_file import dumps
from dockerflow.environments.locks import lock_for
from dockerflow.environments.request import environment_for
from dockerflow.environments.spec import Environment, EnvironmentSpec, GivenImage, GivenLock
from dockerflow.flow.definition import Flow
from dockerflow.images import build_history, pushed
from dockerflow.images.build_history import LastBuild
from dockerflow.images.image import OwnPython
from dockerflow.images.own_image import OwnImages, Wanted
from dockerflow.images.provide import ImageProvider
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import Notify
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
    own: OwnPython | None = None


def environments(flow: Flow, config: Config, target: str) -> dict[Environment, tuple[str, ...]]:
    """The distinct environments of a flow for the platform `target`, each with the steps that ask for it."""
    found: dict[Environment, tuple[str, ...]] = {}
    for step in flow.steps.values():
        environment = environment_for(step, config.channels, config.indexes, target)
        found[environment] = (*found.get(environment, ()), step.name)
    return found


def prepare(
    flow: Flow, host: DockerHost, config: Config, store: Store, notify: Notify
) -> Mapping[str, StepEnvironment]:
    """Lock, build and load what every step needs; by step. Raises EnvironmentsError, ImageError or EngineError."""
    wanted = environments(flow, config, host.platform)
    preparation = Preparation(flow, host, config, store, notify)
    if any(not isinstance(environment, GivenImage) for environment in wanted):
        preparation.provider.base  # noqa: B018 - before any thread asks: a base that cannot be had is told at once
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="prepare")
    try:
        futures = {pool.submit(preparation.of, environment, steps): steps for environment, steps in wanted.items()}
        _wait(futures)
        return {step: future.result() for future, steps in futures.items() for step in steps}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True)
class Preparation:
    """One flow's preparation for one host. Threads share it."""

    flow: Flow
    host: DockerHost
    config: Config
    store: Store
    notify: Notify

    @cached_property
    def provider(self) -> ImageProvider:
        return ImageProvider(self.host.client, self.config.base_image, self.config.cache_dir)

    def of(self, environment: Environment, steps: tuple[str, ...]) -> StepEnvironment:
        if isinstance(environment, GivenImage):
            return self._own(environment, steps)
        return self._assembled(environment, steps)

    def _assembled(self, asked: EnvironmentSpec | GivenLock, steps: tuple[str, ...]) -> StepEnvironment:
        lock = lock_for(asked, self.store, self.flow.file, self.notify, steps)
        image = self.provider.provide(lock, self.notify, steps)
        self._remember(steps, LastBuild(image.reference, image.config_digest, self.provider.key_parts(lock)))
        return StepEnvironment(
            image=image.reference,
            container_image=image.reference,
            python=PYTHON,
            python_version=_python_version(lock),
            config_digest=image.config_digest,
            manifest_digest=image.manifest_digest,
            base_image=self.provider.base.name,
            base_digest=image.base_digest,
            repository_digest=next(iter(pushed.repository_digests(self.config.cache_dir, image.manifest_digest)), ""),
            lock=self.store.blobs.put([dumps(lock).encode()]),
            spec_hash=lock.spec_hash,
        )

    def _own(self, asked: GivenImage, steps: tuple[str, ...]) -> StepEnvironment:
        first = self.flow.steps[steps[0]]
        place = f"step `{first.name}` ({PurePath(first.file).name}:{first.line})"
        images = OwnImages(self.host.client, self.config.cache_dir, self.host.platform, self.host.user)
        image = images.provide(Wanted(asked.name, steps, place), self.notify)
        self._remember(steps, LastBuild(image.name, image.id, None))
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


def _wait(futures: Mapping[Future[StepEnvironment], object]) -> None:
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()


def _python_version(lock: Lock) -> str:
    """Of the image's own Python; a lock without one has none."""
    found = (one.version for one in lock.packages if (one.manager, one.name) == ("conda", "python"))
    return next(found, "")

"""The lock and the image of every step, before the first task runs.

Steps that ask for the same libraries share one lock and one image. Different ones are locked and built side by side;
the first that cannot be had ends the preparation, since a run without one of its environments cannot succeed.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from dockerflow.config import Config
from dockerflow.engines.docker import DockerHost
from dockerflow.environments.lock import Lock
from dockerflow.environments.lock_file import dumps
from dockerflow.environments.locks import lock_for
from dockerflow.environments.request import spec_for
from dockerflow.environments.spec import EnvironmentSpec, default_python
from dockerflow.flow.definition import Flow
from dockerflow.images.image import StepImage
from dockerflow.images.provide import ImageProvider
from dockerflow.progress import Notify
from dockerflow.store.directory import DirectoryStore

# Environments that are solved and built at once: building one already uses every core.
AT_ONCE = 4


@dataclass(frozen=True)
class StepEnvironment:
    """What a step runs in. `lock_blob` is the sha256 of the conda-lock file in the store."""

    spec_hash: str
    lock_blob: str
    image: StepImage


def specs(flow: Flow, config: Config, target: str) -> dict[EnvironmentSpec, tuple[str, ...]]:
    """The distinct specs of a flow for the platform `target`, each with the steps that ask for it."""
    found: dict[EnvironmentSpec, tuple[str, ...]] = {}
    for step in flow.steps.values():
        spec = spec_for(step, default_python(), config.channels, target)
        found[spec] = (*found.get(spec, ()), step.name)
    return found


def prepare(
    flow: Flow, host: DockerHost, config: Config, store: DirectoryStore, notify: Notify
) -> Mapping[str, StepEnvironment]:
    """Lock, build and load what every step needs; by step. Raises EnvironmentsError, ImageError or EngineError."""
    images = ImageProvider(host.client, config.base_image, config.cache_dir)

    def one(spec: EnvironmentSpec, steps: tuple[str, ...]) -> StepEnvironment:
        lock = lock_for(spec, store, flow.file, notify, steps)
        image = images.provide(lock, notify, steps)
        return StepEnvironment(spec.spec_hash, _keep(lock, store), image)

    wanted = specs(flow, config, host.platform)
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="prepare")
    try:
        futures = {pool.submit(one, spec, steps): steps for spec, steps in wanted.items()}
        _wait(futures)
        return {step: future.result() for future, steps in futures.items() for step in steps}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _wait(futures: Mapping[Future[StepEnvironment], object]) -> None:
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        future.result()


def _keep(lock: Lock, store: DirectoryStore) -> str:
    return store.blobs.put([dumps(lock).encode()])

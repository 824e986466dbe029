"""The images that a past run had, for the run that repeats it.

What the steps ask for does not count here, but what the record says that they ran in. An image that an engine has is
taken by its digests. One that is gone is built again from its lock, upon the base of then, and must come out with the
same digests: else the run would prove nothing. Whoever allows it gets another image, and the new run's record has that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from dockerflow.environments.errors import EnvironmentsError, of_steps
from dockerflow.environments.lock_file import dumps
from dockerflow.environments.request import environment_for
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.flow.definition import Flow
from dockerflow.images import gone
from dockerflow.images.again import Again, is_same, name_on
from dockerflow.images.build_record import KeyParts
from dockerflow.images.errors import ImageError, OwnImageError
from dockerflow.images.gone import digests_of
from dockerflow.images.image import StepImage
from dockerflow.images.provide import ImageProvider
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import EnvironmentLocked, EnvironmentSolving, ImageReady, Noted
from dockerflow.scheduler.origin import Reproduced
from dockerflow.scheduler.prepare import Job, Preparation, StepEnvironment, first_then_others, providers
from dockerflow.store.records import StepRecord

_ALLOW = "`--allow-rebuilt` goes on with an image of today, and records that"


@dataclass(frozen=True)
class RecordedPreparation(Preparation):
    """The environment of a job is a `StepRecord` of nothing but an image, as `_image` makes it."""

    reproduced: Reproduced

    def wanted(self, flow: Flow, platform: str) -> Mapping[StepRecord, tuple[str, ...]]:
        found: dict[StepRecord, tuple[str, ...]] = {}
        for step in flow.steps:
            image = self._recorded(step, platform)
            found[image] = (*found.get(image, ()), step)
        return found

    def begin(self, jobs: Sequence[Job]) -> None:
        """Most often all images are there, and no base is needed."""
        self._guard, self._made  # noqa: B018 - threads share them

    def of(self, job: Job) -> dict[str, StepEnvironment]:
        image: StepRecord = job.environment
        if not image.lock:
            return first_then_others(job.hosts, lambda host: self._own_recorded(host, image, job.steps))
        return first_then_others(job.hosts, lambda host: self._found(host, image, job) or self._again(host, image, job))

    # ---- what the record says

    def _recorded(self, step: str, platform: str) -> StepRecord:
        record = next((each for each in self.reproduced.started.steps if each.name == step), None)
        every = (record, *record.elsewhere) if record is not None else ()
        found = next((each for each in every if each.image and each.platform in ("", platform)), None)
        if found is None:
            known = " and ".join(f"`{each.platform}`" for each in every if each.image)
            raise ImageError(
                f"run `{self.reproduced.name}` has no image of step `{step}` for `{platform}`"
                f"{f', only for {known}' if known else ''}",
                "run it on a host of that platform, which `--host` can name",
            )
        return _image(found)

    # ---- images that are there

    def _found(self, host: str, image: StepRecord, job: Job) -> StepEnvironment | None:
        began = time.monotonic()
        name = name_on(self.hosts[host].client, image, (image.image, *digests_of(image)))
        if name is None:
            return None
        self.notify(ImageReady(job.steps, image.image, 0, 0, 0, 0, time.monotonic() - began))
        return _environment(image, name)

    # ---- images that are built again

    def _again(self, host: str, image: StepRecord, job: Job) -> StepEnvironment:
        try:
            return self._rebuilt(host, image, job)
        except gone.MissingError as error:
            if not self.reproduced.allow_rebuilt:
                error.hint = f"{error.hint}; {_ALLOW}"
                raise
            self.notify(Noted(f"{error.message}\n  it is solved anew"))
            return self._solved(host, image, job, error)

    def _rebuilt(self, host: str, image: StepRecord, job: Job) -> StepEnvironment:
        lock = self._past.lock(image, job.steps)
        self.notify(EnvironmentLocked(job.steps, "record", len(lock.packages), 0.0))
        provider = self._provider(host, image)
        parts = provider.key_parts(lock)
        has_same_key = image.image.rpartition(":")[2] == parts.build_key[:24]
        if not has_same_key:  # known before anything is done
            self._differs(image, provider, parts, job.steps)
        made = self._past.built(provider, lock, job.steps, self.notify)
        if has_same_key and not is_same(image, made):
            self._differs(image, provider, parts, job.steps)
        return _made(image, provider, made, parts)

    def _provider(self, host: str, image: StepRecord) -> ImageProvider:
        name, recorded = self._past.base(image)
        key = (name, recorded.base_digest)
        with self._guard:
            if key not in self._made:
                self._made[key] = providers(self, name, recorded)
            return self._made[key][host]

    @property
    def _past(self) -> Again:
        return Again(self.store.blobs, self.config)

    @cached_property
    def _guard(self) -> threading.Lock:
        return threading.Lock()

    @cached_property
    def _made(self) -> dict[tuple[str, str], dict[str, ImageProvider]]:
        """By the base's name and digest, then by host."""
        return {}

    def _differs(self, image: StepRecord, provider: ImageProvider, parts: KeyParts, steps: Sequence[str]) -> None:
        """Raises ImageError where an image that is another than then is not allowed."""
        why = "; ".join(gone.reasons(image, provider.base, parts))
        if not self.reproduced.allow_rebuilt:
            raise ImageError(
                f"the image of {of_steps(steps)} is gone, and cannot be made again as it was: {why}",
                f"bring back what it was made of; {_ALLOW}",
            )
        told = f"the image of {of_steps(steps)} is another than that of run `{self.reproduced.name}`: {why}"
        self.notify(Noted(told))

    def _solved(self, host: str, image: StepRecord, job: Job, missing: ImageError) -> StepEnvironment:
        """For what the step asks for, of the packages that there are now."""
        step = self.flow.steps[job.steps[0]]
        try:
            spec = environment_for(step, self.config.channels, self.config.indexes, self.hosts[host].platform)
        except (EnvironmentsError, OSError):  # it names a file, which no code package has
            raise missing from None
        if not isinstance(spec, EnvironmentSpec):
            raise missing
        from dockerflow.environments import solver  # noqa: PLC0415 - takes long to import

        self.notify(EnvironmentSolving(job.steps))
        began = time.monotonic()
        lock = solver.solve(spec, job.steps)
        self.notify(EnvironmentLocked(job.steps, "solved", len(lock.packages), time.monotonic() - began))
        provider = self._provider(host, image)
        made = _made(image, provider, provider.provide(lock, self.notify, job.steps), provider.key_parts(lock))
        python = next((one.version for one in lock.packages if (one.manager, one.name) == ("conda", "python")), "")
        written = self.store.blobs.put([dumps(lock).encode()])
        return replace(made, lock=written, spec_hash=lock.spec_hash, python_version=python)

    # ---- images of the user's own

    def _own_recorded(self, host: str, image: StepRecord, steps: tuple[str, ...]) -> StepEnvironment:
        why = ""
        for name in self._own_names(host, image):
            try:
                return replace(self.own(host, name, steps), image=image.image)
            except OwnImageError as error:
                why = error.message
        if self.reproduced.allow_rebuilt:
            self.notify(Noted(gone.as_it_is_now(image, steps)))
            return self.own(host, image.image, steps)
        lost = gone.own_image(image, steps, why)
        lost.hint = f"{lost.hint}; `--allow-rebuilt` takes what has its name now"
        raise lost

    def _own_names(self, host: str, image: StepRecord) -> Iterator[str]:
        yield from self._past.own_names(self.hosts[host].client, image)
        if self.hosts[host].is_remote:  # this machine's engine may have it
            yield from (f"{image.image.partition('@')[0]}@{digest}" for digest in digests_of(image))


def _image(record: StepRecord) -> StepRecord:
    """What is the same of all steps that had the image."""
    return replace(
        record, name="", next=(), doc="", line=0, foreach=None, join=False, condition=None, gang=False, elsewhere=()
    )


def _environment(image: StepRecord, name: str) -> StepEnvironment:
    return StepEnvironment(
        image=image.image,
        container_image=name,
        python=image.python,
        python_version=image.python_version,
        config_digest=image.config_digest,
        manifest_digest=image.manifest_digest,
        base_image=image.base_image,
        base_digest=image.base_digest,
        repository_digest=image.repository_digest,
        lock=image.lock,
        spec_hash=image.spec_hash,
        transform=image.transform,
    )


def _made(image: StepRecord, provider: ImageProvider, made: StepImage, parts: KeyParts) -> StepEnvironment:
    same = made.reference == image.image
    return replace(
        _environment(image, made.reference),
        image=made.reference,
        config_digest=made.config_digest,
        manifest_digest=made.manifest_digest,
        base_image=provider.base.name,
        base_digest=made.base_digest,
        repository_digest=image.repository_digest if same else "",
        transform=parts.transform,
        was_there=False,
    )

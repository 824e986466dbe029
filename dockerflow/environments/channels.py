"""Ask the channels of a spec: for a solution, for the versions of a package, for the names of all packages.

The one place that talks to channels; what py-rattler raises about one becomes a ChannelError here. Repodata is kept
on disk by py-rattler, and in memory for as long as somebody asks: solving several specs at once reads it once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rattler import (
    BuildString,
    Channel,
    ChannelPriority,
    Client,
    Gateway,
    GenericVirtualPackage,
    MatchSpec,
    PackageName,
    RepoDataRecord,
    Version,
    solve,
)
from rattler.exceptions import AuthenticationStorageError, CacheDirError, FetchRepoDataError, GatewayError, IoError
from rattler.platform import Subdir

from dockerflow import credentials
from dockerflow.environments import virtual_packages
from dockerflow.environments.errors import ChannelError, of_steps
from dockerflow.environments.requirements import Requirement
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.lazy_dataclasses import dataclass

# For one answer of a channel, a whole repodata file included. Attempts after the first are for passing failures.
TIMEOUT = 180  # seconds
RETRIES = 2

_HINT = "look with `dockerflow doctor`, or name other channels with `channels` in the configuration"


@dataclass(frozen=True)
class Channels:
    """The channels of `spec` in strict priority, asked on behalf of `steps`.

    Strict: a dependency is taken from the first channel that has a package of its name, whatever the version. What the
    user asks for by version is taken from the first channel that has that version.
    """

    spec: EnvironmentSpec
    steps: Sequence[str]
    _gateway: Gateway

    @classmethod
    @contextmanager
    def opened(cls, spec: EnvironmentSpec, steps: Sequence[str] = (), timeout: int = TIMEOUT) -> Iterator[Channels]:
        with _shared.used(timeout) as gateway:
            yield cls(spec, steps, gateway)

    async def solve(
        self,
        requirements: Iterable[Requirement],
        keep: Sequence[RepoDataRecord] = (),
        limits: Sequence[MatchSpec] = (),
    ) -> list[RepoDataRecord]:
        """Every package of the environment: those in `keep` where they may stay, none against one of the `limits`.

        Raises rattler's SolverError where there is no solution.
        """
        with self._translated():
            return await solve(
                self._sources,
                [requirement.match_spec for requirement in requirements],
                gateway=self._gateway,
                platforms=self._platforms,
                locked_packages=list(keep),
                constraints=list(limits),
                virtual_packages=_virtual_packages(self.spec.platform),
                channel_priority=ChannelPriority.Strict,
            )

    async def records(self, name: str) -> list[RepoDataRecord]:
        """All packages of this name."""
        with self._translated():
            per_channel = await self._gateway.query(self._sources, self._platforms, [name], recursive=False)
        return [record for records in per_channel for record in records]

    async def platforms_with(self, name: str) -> list[str]:
        """The other platforms of step images that have packages of this name."""
        found = []
        for platform in virtual_packages.PLATFORMS:
            if platform != self.spec.platform:
                with self._translated():
                    per_channel = await self._gateway.query(self._sources, [Subdir(platform)], [name], recursive=False)
                found += [platform] if any(per_channel) else []
        return found

    async def names(self) -> list[str]:
        with self._translated():
            return [name.normalized for name in await self._gateway.names(self._sources, self._platforms)]

    @property
    def _sources(self) -> list[Channel]:
        return [Channel(channel) for channel in self.spec.channels]

    @property
    def _platforms(self) -> list[Subdir]:
        return [Subdir(self.spec.platform), Subdir("noarch")]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (GatewayError, FetchRepoDataError, IoError, CacheDirError) as error:
            raise self._channel_error(str(error)) from error

    def _channel_error(self, reason: str) -> ChannelError:
        whose = of_steps(self.steps)
        asked = [name for name in self.spec.channels if Channel(name).base_url in reason] or list(self.spec.channels)
        channel = " or ".join(f"`{name}`" for name in asked)
        cause = credentials.hidden(reason.splitlines()[-1].removeprefix("Caused by: "))
        if reason.startswith("could not find subdir"):
            lacking = f"{Channel(asked[0]).base_url}noarch/repodata.json"
            return ChannelError(f"{channel} is not a conda channel: it has no `{lacking}` ({whose})", _HINT)
        if cause == "other error":  # another thread asked for the same file and was told the reason
            return ChannelError(f"the channel {channel} does not answer ({whose})", _HINT)
        if "HTTP status" in reason and credentials.wanted(cause):
            return ChannelError(f"the channel {channel} wants other credentials: {cause} ({whose})", credentials.WANTED)
        if any(sign in reason for sign in ("error sending request", "timed out", "HTTP status")):
            return ChannelError(f"the channel {channel} does not answer: {cause} ({whose})", _HINT)
        return ChannelError(f"the channel {channel} cannot be read: {cause} ({whose})", _HINT)


class _SharedGateway:
    """One gateway for all who ask at the same time, a new one when nobody was asking: it remembers what it has read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._gateway: Gateway | None = None

    @contextmanager
    def used(self, timeout: int) -> Iterator[Gateway]:
        with self._lock:
            if self._gateway is None:
                self._gateway = _gateway(timeout)
            gateway, self._users = self._gateway, self._users + 1
        try:
            yield gateway
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._gateway = None


_shared = _SharedGateway()


def _gateway(timeout: int) -> Gateway:
    try:
        return Gateway(client=Client.default_client(max_retries=RETRIES, timeout=timeout))
    except AuthenticationStorageError as error:
        raise ChannelError(
            f"the credentials for channels cannot be read: {error}",
            "mend the file, or name another in RATTLER_AUTH_FILE",
        ) from error


def _virtual_packages(platform: str) -> list[GenericVirtualPackage]:
    return [
        GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))
        for name, (version, build) in virtual_packages.of_platform(platform).items()
    ]

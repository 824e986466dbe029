"""What a step asks for, as an environment spec.

Everything that can be said to be wrong without asking a channel is said here, with the step and the user's own words.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from urllib.parse import urlsplit

from rattler import Channel
from rattler.exceptions import InvalidChannelError

from dockerflow.environments import requirements
from dockerflow.environments.errors import InvalidSpec
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.flow.definition import Conda, Step


def spec_for(step: Step, python: str, channels: Sequence[str], platform: str) -> EnvironmentSpec:
    """The spec of a step for `platform` (a conda subdir). `python` is the version of a step that names none, `channels`
    are those of the configuration. Without a `@conda`, or with a disabled one, a step asks for Python alone.

    Raises InvalidSpec.
    """
    conda = step.decorator(Conda) or Conda()
    if conda.disabled:
        conda = Conda()
    libraries = _libraries(step, conda)
    asked_python = _python(step, conda, libraries.pop("python", None)) or python
    _parse(step, "python", asked_python)
    pinned = tuple(channel for name in libraries if (channel := requirements.channel_of(name)))
    return EnvironmentSpec(
        python=asked_python,
        libraries=tuple(libraries.items()),
        channels=_channels(step, (*conda.channels, *channels, *pinned)),
        platform=platform,
    )


def _libraries(step: Step, conda: Conda) -> dict[str, str]:
    """Version words by package as the spec has it: `name`, or `channel::name`, the name in conda's spelling."""
    found: dict[str, str] = {}
    names: dict[str, str] = {}
    for package, version in conda.libraries:
        requirement = _parse(step, package, version)
        if requirement.name in names:
            raise InvalidSpec(
                f"{_place(step)} asks for `{requirement.name}` twice, as `{names[requirement.name]}` and `{package}`",
                "keep one of the two",
            )
        names[requirement.name] = package
        channel = requirements.channel_of(package)
        found[f"{channel}::{requirement.name}" if channel else requirement.name] = requirement.asked
    return found


def _python(step: Step, conda: Conda, library: str | None) -> str | None:
    if library and conda.python and library != conda.python:
        raise InvalidSpec(
            f"{_place(step)} asks for Python twice: `python={conda.python!r}` and `{library}` among its libraries",
            "keep `python=` alone",
        )
    return conda.python or library


def _parse(step: Step, package: str, version: object) -> requirements.Requirement:
    if not isinstance(version, str):
        raise InvalidSpec(
            f"{_place(step)} asks for `{package}` in version {version!r}, which is not text",
            f'put it in quotes: "{version}"',
        )
    try:
        return requirements.parse(package, version)
    except requirements.NotASpec as error:
        raise InvalidSpec(
            f"{_place(step)} asks for `{package}` in version `{version}`, which conda does not understand: {error}",
            "write a version like `1.5.3`, `1.5.*` or `>=1.5,<2`, or an empty one for any",
        ) from error


def _channels(step: Step, channels: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_channel(step, channel.strip()) for channel in channels))


def _channel(step: Step, channel: str) -> str:
    """The channel as the spec has it: a folder as its URL, so that its hash does not depend on where one stands."""
    if channel.startswith((".", "/", "~")):
        return Path(channel).expanduser().resolve().as_uri()
    try:
        url = Channel(channel or "https://").base_url
    except InvalidChannelError as error:
        raise InvalidSpec(
            f"{_place(step)} has the channel `{channel}`, which is neither a name nor a URL",
            "name a channel like `conda-forge`, `https://host/channel` or `file:///folder`",
        ) from error
    parts = urlsplit(url)
    if parts.password or parts.path.startswith("/t/"):
        raise InvalidSpec(
            f"{_place(step)} has a channel on `{parts.hostname}` with a password or a token in its URL, which would be"
            " written into locks",
            "leave it out of the URL: it is read from `~/.netrc` or from the file in RATTLER_AUTH_FILE",
        )
    return channel


def _place(step: Step) -> str:
    return f"step `{step.name}` ({PurePath(step.file).name}:{step.line})"

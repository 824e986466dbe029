"""What a step asks for: an environment spec, or the lock or the image that the user has already.

Everything that can be said to be wrong without asking a channel or an index is said here, with the step or the line of
the file and the user's own words. Files are read by `environment_yml`, `requirements_txt` and `pyproject_toml`; here
they are put together with what the decorators say, which goes over what a file says of the same package.

Every run goes through here, and most ask for what is plainly right: libraries that can judge the rest are imported when
there is a rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath

from dockerflow import credentials
from dockerflow.environments import indexes as package_indexes
from dockerflow.environments import python_versions, requirements
from dockerflow.environments.asked import Asked, Word
from dockerflow.environments.errors import InvalidSpec
from dockerflow.environments.spec import Environment, EnvironmentSpec, GivenImage, GivenLock
from dockerflow.flow.definition import Conda, Image, Pypi, Step
from dockerflow.lazy_dataclasses import dataclass

_PYTHONS = "write a version like `3.11`, `3.11.9` or `>=3.10,<3.13`"
_VERSIONS = "write a version like `1.5.3`, `1.5.*` or `>=1.5,<2`, or an empty one for any"

# A name or a URL without anything that may be secret or wrong in it.
_PLAIN_CHANNEL = re.compile(r"[\w-]+|(https?://[a-z][a-z0-9]*(\.[a-z][a-z0-9]*)*|file://)(/(?!t/)[\w.-]+)+/?", re.ASCII)


def environment_for(step: Step, channels: Sequence[str], indexes: Sequence[str], platform: str) -> Environment:
    """What a step asks for on `platform` (a conda subdir); `channels` and `indexes` are those of the configuration.

    A spec's `python` is empty where the step names none. Without libraries, or with disabled ones, a step asks for
    Python alone. Raises InvalidSpec.
    """
    image = step.decorator(Image)
    if image is not None:
        return GivenImage(image.image)
    conda, pypi = step.decorator(Conda) or Conda(), step.decorator(Pypi) or Pypi()
    if conda.disabled or pypi.disabled:
        conda, pypi = Conda(), Pypi()
    if conda.lock is not None:
        return GivenLock(Path(conda.lock), platform)
    files = list(_of_files(step, conda, pypi, platform))
    own = _of_conda(step, conda, bool(conda.file)), _of_pypi(step, pypi)
    return _Sources(step, (*own, *files)).spec(channels, indexes, platform)


@dataclass(frozen=True)
class _Sources:
    """What `@conda`, `@pypi` and the files say, in this order. Of one package the first source says all."""

    step: Step
    every: tuple[Asked, ...]

    def spec(self, channels: Sequence[str], indexes: Sequence[str], platform: str) -> EnvironmentSpec:
        libraries, pypi = self._libraries(), self._pypi()
        named = _channels([*self._channels(channels), *self._pinned(libraries)])
        if channels and not named:
            raise InvalidSpec(
                f"{self._place} is left without any channel: `nodefaults` leaves out the configured ones",
                "name a channel beside it, like `conda-forge`, or take `nodefaults` out",
            )
        constraints = {word.text: None for source in self.every for word in source.constraints}
        return EnvironmentSpec(
            python=python_versions.merged([word for source in self.every for word in source.pythons], self._place),
            libraries=libraries,
            channels=named,
            platform=platform,
            pypi=pypi,
            # Without anything to look for nobody is asked, so that these make no difference.
            constraints=tuple(constraints) if pypi else (),
            indexes=self._indexes(indexes) if pypi else (),
            hashes=self._hashes() if pypi else (),
        )

    @property
    def _place(self) -> str:
        return _place(self.step)

    def _libraries(self) -> tuple[tuple[str, str], ...]:
        found: dict[str, tuple[str, str]] = {}
        for source in self.every:
            for package, word in source.libraries:
                found.setdefault(package.rpartition("::")[2], (package, word.text))
        return tuple(found.values())

    def _pypi(self) -> tuple[str, ...]:
        """The packages of `@pypi`, and every line of the files about others: they may have several about one."""
        _, decorator, *files = self.every
        taken = {_name_of(word.text) for word in decorator.pypi}
        lines = [word for file in files for word in file.pypi if _name_of(word.text) not in taken]
        return tuple(dict.fromkeys(word.text for word in (*decorator.pypi, *lines)))

    def _hashes(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Those that files give for what the decorators do not name."""
        taken = {_name_of(word.text) for word in self.every[1].pypi}
        found: dict[str, set[str]] = {}
        for name, sha256 in (pair for source in self.every for pair in source.hashes if pair[0] not in taken):
            found.setdefault(name, set()).add(sha256)
        return tuple((name, tuple(sorted(found[name]))) for name in sorted(found))

    def _channels(self, configured: Sequence[str]) -> Iterator[Word]:
        for source in self.every:
            for word in source.channels:
                if word is None:
                    yield from (Word(channel, self._place) for channel in configured)
                else:
                    yield word

    def _pinned(self, libraries: Iterable[tuple[str, str]]) -> Iterator[Word]:
        channels = (requirements.channel_of(name) for name, _ in libraries)
        return (Word(channel, self._place) for channel in channels if channel)

    def _indexes(self, configured: Sequence[str]) -> tuple[str, ...]:
        """Those that files name, with the configured ones where they leave room for more."""
        named = [index for source in self.every for index in source.indexes or ()]
        if not named:
            return tuple(configured)
        first = [index for index in named if index != package_indexes.DEFAULT]
        last = (configured or [package_indexes.DEFAULT]) if package_indexes.DEFAULT in named else ()
        return tuple(dict.fromkeys([*first, *last]))


def _of_files(step: Step, conda: Conda, pypi: Pypi, platform: str) -> Iterator[Asked]:
    if conda.file is not None:
        from dockerflow.environments import environment_yml  # noqa: PLC0415

        yield environment_yml.read(Path(conda.file), platform, _place(step))
    if pypi.file is not None and pypi.file.endswith(".toml"):
        from dockerflow.environments import pyproject_toml  # noqa: PLC0415

        yield pyproject_toml.read(Path(pypi.file), pypi.extras, _place(step))
    elif pypi.file is not None:
        from dockerflow.environments import requirements_txt  # noqa: PLC0415

        yield requirements_txt.read(Path(pypi.file), _place(step))
    if pypi.extras and not (pypi.file or "").endswith(".toml"):
        raise InvalidSpec(
            f"{_place(step)} asks for the extras {', '.join(f'`{extra}`' for extra in pypi.extras)} without a project",
            'extras are those of a `pyproject.toml`, named as `file="pyproject.toml"`',
        )


def _of_conda(step: Step, conda: Conda, file_has_channels: bool) -> Asked:
    """Version words by package as the spec has it: `name`, or `channel::name`, the name in conda's spelling."""
    libraries: dict[str, tuple[str, Word]] = {}
    names: dict[str, str] = {}
    for package, version in conda.libraries:
        requirement = _parse(step, package, version)
        if requirement.name in names:
            twice = f"`{names[requirement.name]}` and `{package}`"
            raise InvalidSpec(
                f"{_place(step)} asks for `{requirement.name}` twice, as {credentials.hidden(twice)}",
                "keep one of the two",
            )
        names[requirement.name] = package
        channel = requirements.channel_of(package)
        name = f"{channel}::{requirement.name}" if channel else requirement.name
        libraries[requirement.name] = name, Word(requirement.asked, f"`{package}` among its libraries")
    pythons = [libraries.pop("python")[1]] if "python" in libraries else []
    if conda.python:
        pythons.append(Word(_parse(step, "python", conda.python).asked, "`python` of `@conda`"))
    own_channels = [Word(channel, _place(step)) for channel in conda.channels]
    return Asked(
        libraries=tuple(libraries.values()),
        pythons=tuple(pythons),
        channels=(*own_channels, *([] if file_has_channels else [None])),
    )


def _of_pypi(step: Step, pypi: Pypi) -> Asked:
    found: dict[str, Word] = {}
    pythons = []
    for package, version in pypi.packages:
        requirement = _requirement(step, package, version)
        name = _name_of(requirement)
        if name in found:
            raise InvalidSpec(f"{_place(step)} asks for the Python package `{name}` twice", "keep one of the two")
        found[name] = Word(requirement, _place(step))
    if "python" in found:
        said = _python_of_pypi(step, found.pop("python").text.removeprefix("python"))
        pythons.append(Word(said, "`python` among its packages"))
    if pypi.python:
        pythons.append(Word(_python_of_pypi(step, pypi.python), "`python` of `@pypi`"))
    return Asked(pythons=tuple(pythons), pypi=tuple(found.values()))


def _requirement(step: Step, package: str, version: str) -> str:
    from dockerflow.environments import pep508  # noqa: PLC0415

    try:
        return pep508.of_words(package, version, Path(step.file).parent)
    except pep508.NotARequirement as error:
        asked = credentials.hidden(f"{package} {version}".strip())
        raise InvalidSpec(f"{_place(step)} asks for `{asked}`, which {error}", error.hint) from error


def _name_of(requirement: str) -> str:
    from dockerflow.environments import pep508  # noqa: PLC0415

    return pep508.name_of(requirement)


def _python_of_pypi(step: Step, version: str) -> str:
    try:
        word = python_versions.of_specifier(version) if version.startswith(tuple("<>=!~")) else version
    except python_versions.NotASpecifier as error:
        raise InvalidSpec(
            f"{_place(step)} asks for `python` in version `{version}`, which is none: {error}", _PYTHONS
        ) from error
    return _parse(step, "python", word).asked


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
            credentials.hidden(
                f"{_place(step)} asks for `{package}` in version `{version}`, which conda does not understand: {error}"
            ),
            _PYTHONS if package == "python" else _VERSIONS,
        ) from error


def _channels(words: Iterable[Word]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_channel(word.text.strip(), word.place) for word in words))


def _channel(channel: str, place: str) -> str:
    """The channel as the spec has it: a folder as its URL, so that its hash does not depend on where one stands."""
    if channel.startswith((".", "/", "~")):
        return Path(channel).expanduser().resolve().as_uri()
    if _PLAIN_CHANNEL.fullmatch(channel):
        return channel
    from rattler import Channel  # noqa: PLC0415
    from rattler.exceptions import InvalidChannelError  # noqa: PLC0415

    try:
        url = Channel(channel or "https://").base_url
    except InvalidChannelError as error:
        raise InvalidSpec(
            f"{place} has the channel `{credentials.hidden(channel)}`, which is neither a name nor a URL",
            "name a channel like `conda-forge`, `https://host/channel` or `file:///folder`",
        ) from error
    if credentials.in_url(url):
        raise InvalidSpec(
            f"{place} has the channel `{credentials.hidden(url)}` with a password or a token in its URL, which would be"
            " written into locks",
            "leave it out of the URL: it is read from `~/.netrc` or from the file in RATTLER_AUTH_FILE",
        )
    return channel


def _place(step: Step) -> str:
    return f"step `{step.name}` ({PurePath(step.file).name}:{step.line})"

"""`hosts add`, `list`, `check` and `remove`, and the hosts that `--host` names.

Hosts are written where `up` writes settings. Several are looked at side by side, for one that is cut off takes long to
say nothing; what was found is told host by host, in the order in which they were named.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dockerflow import host_files, host_values, hosts
from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.places import config_here
from dockerflow.cli.tables import print_json, print_table
from dockerflow.config import Config, ConfigError, project_file, user_file
from dockerflow.host_settings import LOCAL, HostSettings
from dockerflow.host_values import Said

if TYPE_CHECKING:
    from dockerflow.setup.finding import Finding

_PATHS = ("ca", "certificate", "key")


def add(name: str, given: Mapping[str, str], for_user: bool) -> int:
    """Write a host, `given` by its keys, into a file of settings. Raises CommandLineError, ConfigError."""
    path, folder = _file(for_user)
    config_here()  # what is wrong with the files already is said first
    settings = _settings(name, given)
    if name in host_files.names(path):
        raise CommandLineError(
            f"there is a host `{name}` in `{_shown(path)}` already",
            f"take another name, or remove it first: `dockerflow hosts remove {name}{' --user' if for_user else ''}`",
        )
    written: dict[str, str | int] = {key: _written(settings, key, text, folder) for key, text in given.items()}
    host_files.add(path, name, written)
    print(f"`{name}` is `{settings.url}`: {_shown(path)} says so")
    hidden = config_here().hosts[name].source
    if not hidden.startswith(f"{path}:"):
        print(f"here another host of that name is used, of the project's: {_place(hidden)}")
    print(f"see what a run would find there: `dockerflow hosts check {name}`")
    return 0


def _settings(name: str, given: Mapping[str, str]) -> HostSettings:
    """Of what the command line says, where paths are from the working directory. Raises CommandLineError."""
    try:
        settings = host_values.host(Said(name), {key: Said(text) for key, text in given.items()}, Path.cwd())
        host_values.require_files(settings)
    except ConfigError as error:
        raise CommandLineError(error.message.rstrip("."), error.hint) from None
    return settings


def _written(settings: HostSettings, key: str, text: str, folder: Path) -> str | int:
    """A value for the file: a path relative to where the file's paths are from, if it is below."""
    if key == "max_workers":
        return int(text)
    if key not in _PATHS:
        return str(getattr(settings, key))
    path: Path = getattr(settings, key)
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else _short(path)


def remove(name: str, for_user: bool) -> int:
    """Raises CommandLineError for a name that stands in no file."""
    places = [path for path in ([user_file()] if for_user else [project_file(Path.cwd()), user_file()]) if path]
    path = next((each for each in places if name in host_files.names(each)), None)
    if path is None:
        raise CommandLineError(*_not_written(name, config_here()))
    host_files.remove(path, name)
    print(f"took `{name}` out of {_shown(path)}")
    left = config_here().hosts.get(name)
    if left is not None:
        print(f"`{name}` is now `{left.url}`: {_place(left.source)}")
    return 0


def _not_written(name: str, config: Config) -> tuple[str, str]:
    if name == LOCAL:
        return "`local` is the engine of this machine, and stands in no file", "the setting `engine` says which it is"
    if name in config.hosts:
        return f"`{name}` is not in your own settings", f"it is in {_place(config.hosts[name].source)}"
    if any(each.name == name for each in hosts.contexts()):
        return f"`{name}` is a docker context, and stands in no file", f"`docker context rm {name}` removes it"
    return hosts.not_there(config, name)


def list_hosts(as_json: bool) -> int:
    """No host is connected to."""
    rows = list(_listed(config_here()))
    if as_json:
        print_json([{"name": name, "url": url or None, "source": source} for name, url, source in rows])
    else:
        shown = [(name, url or "docker's own default", _place(source)) for name, url, source in rows]
        print_table([("host", "url", "from"), *shown])
    return 0


def _listed(config: Config) -> Iterator[tuple[str, str, str]]:
    yield LOCAL, config.engine or os.environ.get("DOCKER_HOST", ""), _source_of_local(config)
    for settings in config.hosts.values():
        yield settings.name, settings.url, settings.source
    for context in hosts.contexts():
        if context.name not in config.hosts:
            yield context.name, context.url, "docker context"


def _source_of_local(config: Config) -> str:
    if config.engine is not None:
        return config.source("engine")
    return "DOCKER_HOST" if os.environ.get("DOCKER_HOST") else "this machine"


def check(names: Sequence[str], as_json: bool) -> int:
    """Raises ConfigError for a name that is no host's. Exit code 10 when a run could not work on one of the hosts."""
    from dockerflow.setup.errors import SetupError
    from dockerflow.setup.hosts import check as look

    config = config_here()
    each_named = [name for text in names for name in text.split(",")]  # also as `--host` has them
    chosen = [hosts.named(config, name) for name in dict.fromkeys(each_named or [LOCAL, *config.hosts])]
    checking = [_Checking(each, partial(look, each, config, Path.cwd())) for each in chosen]
    found = [(each.settings, list(each.told(_silent if as_json else _tell))) for each in _titled(checking, as_json)]
    if as_json:
        print_json([_as_json(settings, findings) for settings, findings in found])
    return 0 if all(each.good for _, findings in found for each in findings) else SetupError.exit_code


def _titled(checking: Sequence[_Checking], as_json: bool) -> Iterator[_Checking]:
    """Each with its name before it, where there are several."""
    for number, each in enumerate(checking):
        if len(checking) > 1 and not as_json:
            print(f"{chr(10) if number else ''}{each.settings.name}")
            sys.stdout.flush()
        yield each


def _tell(finding: Finding) -> None:
    from dockerflow.cli.machine import tell

    tell(finding)


def _silent(finding: Finding) -> None:
    """Programs read all at the end."""


def _as_json(settings: HostSettings, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "name": settings.name,
        "url": settings.url or None,
        "good": all(each.good for each in findings),
        "findings": [vars(each) for each in findings],
    }


class _Checking:
    """One host, looked at in a thread of its own."""

    def __init__(self, settings: HostSettings, look: Callable[[Callable[[Finding], None]], Iterator[Finding]]) -> None:
        self.settings = settings
        self._look_at_it = look
        self._found: queue.SimpleQueue[Finding | BaseException | None] = queue.SimpleQueue()
        threading.Thread(target=self._look, name=f"check-{settings.name}", daemon=True).start()

    def told(self, tell: Callable[[Finding], None]) -> Iterator[Finding]:
        """The findings, each told when it is known; what takes a while is told, too, and is none."""
        while (found := self._found.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            tell(found)
            if found.state != "doing":
                yield found

    def _look(self) -> None:
        try:
            for finding in self._look_at_it(self._found.put):
                self._found.put(finding)
        except BaseException as error:  # noqa: BLE001 - raised again where the command waits
            self._found.put(error)
        self._found.put(None)


def chosen(texts: Sequence[str]) -> tuple[str, ...]:
    """The hosts that `--host` names, with commas between, each once. Raises CommandLineError for one that is none."""
    names = [name.strip() for text in texts for name in text.split(",")]
    if not names:
        return ()
    config = config_here()
    for name in names:
        if not name:
            raise CommandLineError("`--host` has an empty name", "name hosts with commas between, as `--host a,b`")
        try:
            hosts.named(config, name)
        except ConfigError as error:
            raise CommandLineError(error.message, error.hint) from None
    return tuple(dict.fromkeys(names))


def _file(for_user: bool) -> tuple[Path, Path]:
    """The file of settings to write to, and where its paths are from."""
    from dockerflow.setup.services import settings_file

    path = settings_file(Path.cwd(), for_user)
    return path, path.parent if for_user else path.parent.parent


def _place(source: str) -> str:
    """`file:line`, the file as short as it can be said."""
    path, colon, line = source.rpartition(":")
    return f"{_shown(Path(path))}:{line}" if colon and path.startswith("/") else source


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else _short(path)


def _short(path: Path) -> str:
    home = Path(os.path.expanduser("~"))
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)

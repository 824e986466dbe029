"""Which Docker hosts a command may name: this machine's engine, those of the settings, and docker's own contexts.

Only what is written down is read; no engine is asked. What a context says beside its address is for `engines`, which
connect to it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from dockerflow import credentials, docker_contexts
from dockerflow.config import Config, load_config
from dockerflow.docker_contexts import Context
from dockerflow.errors import DockerflowError
from dockerflow.host_settings import LOCAL, HostSettings
from dockerflow.setting_values import ConfigError

__all__ = ["LIST", "completed", "contexts", "named", "not_there"]

LIST = "`dockerflow hosts list` tells which there are, `dockerflow hosts add NAME URL` adds one"
ADD = "hosts are called by their names, and `dockerflow hosts add NAME URL` gives one a name"

_REACHED_BY = ("ssh://", "tcp://", "unix://")


def contexts() -> list[Context]:
    """Of this user's docker, by name. One that cannot be read, or is reached in no way that we know, is left out."""
    return [
        each
        for each in docker_contexts.every()
        if each.name not in (LOCAL, docker_contexts.DEFAULT) and each.url.startswith(_REACHED_BY)
    ]


def named(config: Config, name: str) -> HostSettings:
    """The settings of a host by its name; those of this machine's engine have the URL of the setting `engine`, or none.

    Raises ConfigError for one that is not there.
    """
    if name == LOCAL:
        return HostSettings(LOCAL, config.engine or "", source=config.source("engine"))
    if name in config.hosts:
        return config.hosts[name]
    if any(each.name == name for each in contexts()):
        return docker_contexts.host(name)
    raise ConfigError(*not_there(config, name))


def not_there(config: Config, name: str) -> tuple[str, str]:
    """What to say of a name that is no host's, and what to do."""
    if "://" in name:
        return f"`{credentials.hidden(name)}` is not the name of a host", ADD
    near = difflib.get_close_matches(name, _names(config), n=1)
    meant = f"did you mean `{near[0]}`? " if near else ""
    return f"there is no host `{name}`", f"{meant}{LIST}"


def completed(incomplete: str) -> list[str]:
    """What the shell completes a list of hosts to, with commas between: its last name. A mistake in the settings is
    told by the command itself."""
    before, comma, begun = incomplete.rpartition(",")
    try:
        names = _names(load_config())
    except DockerflowError:
        return []
    taken = before.split(",")
    return [f"{before}{comma}{name}" for name in names if name.startswith(begun) and name not in taken]


def _names(config: Config) -> list[str]:
    return list(dict.fromkeys(_every(config)))


def _every(config: Config) -> Iterator[str]:
    yield LOCAL
    yield from config.hosts
    yield from (each.name for each in contexts())

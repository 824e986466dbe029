"""Which configuration and which store a command works with."""

from __future__ import annotations

from pathlib import Path

from dockerflow.cli.sentences import Place
from dockerflow.client.source import store_here
from dockerflow.config import Config, load_config
from dockerflow.store.directory import DirectoryStore, create, find


def config_here() -> Config:
    """The configuration as it holds in the working directory."""
    return load_config()


def store_for_writing(chosen: Path | None, config: Config) -> Path:
    """The root of the store to write to: the one chosen, the configured one, the nearest above, or a new one here."""
    wanted = chosen or config.store
    if wanted is not None:
        return Path(wanted).absolute()
    return find(Path.cwd()) or create(Path.cwd()).root


def store_for_reading(chosen: Path | None) -> DirectoryStore:
    """The store that commands read from; one that is not there reads as empty, and nothing is made."""
    wanted = chosen or config_here().store or find(Path.cwd()) or Path.cwd() / ".dockerflow"
    return DirectoryStore(wanted)


def place_of(store: Path) -> Place:
    """How the results in a store are found later: its name is a part of what to type unless the client, which does not
    read the configuration, finds it from here by itself."""
    found = store_here()
    return Place(str(store), "" if found is not None and found.resolve() == store.resolve() else str(store))

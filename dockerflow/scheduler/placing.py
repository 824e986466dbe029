"""Which hosts each step of a flow may run on: what the step says, then what the command line says, then here.

A step that names its hosts (`@remote(host=…)`, `@local`) keeps to them; `--host` is for the others. The words that
Metaflow has for another machine (`@batch`, `@kubernetes`) mean the host that is configured as `remote`, if there is
one. No host is asked: names are looked up in the settings, and among docker contexts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dockerflow import hosts
from dockerflow.config import Config, ConfigError
from dockerflow.flow.definition import Elsewhere, Flow, Local, Remote, Step
from dockerflow.flow.errors import place
from dockerflow.host_settings import LOCAL, REMOTE
from dockerflow.scheduler.errors import RunError


def places(flow: Flow, chosen: Sequence[str], config: Config) -> Mapping[str, tuple[str, ...]]:
    """The hosts of each step, in the order in which they were named; `chosen` are those of the command line. Raises
    RunError for one that is not there.
    """
    for name in chosen:
        _require(name, "`--host`", config)
    return {step.name: tuple(_of_step(step, chosen, config)) for step in flow.steps.values()}


def named(places: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """All hosts of a run, each once."""
    return tuple(dict.fromkeys(name for names in places.values() for name in names))


def _of_step(step: Step, chosen: Sequence[str], config: Config) -> Iterator[str]:
    where = f"step `{step.name}` ({place(step.file, step.line)})"
    remote = step.decorator(Remote)
    if step.decorator(Local) is not None:
        yield LOCAL
    elif remote is not None:
        for name in remote.hosts or (_meant(where, config),):
            _require(name, where, config)
            yield name
    elif chosen:
        yield from dict.fromkeys(chosen)
    else:
        yield REMOTE if step.decorator(Elsewhere) is not None and REMOTE in config.hosts else LOCAL


def _meant(where: str, config: Config) -> str:
    """The host of a `@remote` that names none: the one that is called so, or the only one."""
    configured = config.hosts
    if REMOTE in configured or not configured:
        return REMOTE
    if len(configured) == 1:
        return next(iter(configured))
    found = ", ".join(f"`{name}`" for name in sorted(configured))
    raise RunError(
        f"{where} has `@remote` without a host, and there are several: {found}",
        f'name one, as `@remote(host="{min(configured)}")`, or configure one as `{REMOTE}`',
    )


def _require(name: str, where: str, config: Config) -> None:
    try:
        hosts.named(config, name)
    except ConfigError as error:
        raise RunError(f"{where} asks for the host `{name}`: {error.message}", error.hint) from None

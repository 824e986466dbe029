"""Steps that ask for something, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.environments.errors import InvalidSpec
from dockerflow.environments.request import environment_for
from dockerflow.environments.spec import Environment, EnvironmentSpec
from dockerflow.flow.definition import Step, StepDecorator

CHANNELS = ("conda-forge",)


def environment(
    *decorators: StepDecorator,
    channels: tuple[str, ...] = CHANNELS,
    indexes: tuple[str, ...] = (),
    flow_file: Path = Path("/flows/flow.py"),
    platform: str = "linux-64",
) -> Environment:
    step = Step("train", str(flow_file), 12, "", ("end",), decorators=decorators)
    return environment_for(step, channels, indexes, platform)


def asked(
    *decorators: StepDecorator,
    channels: tuple[str, ...] = CHANNELS,
    indexes: tuple[str, ...] = (),
    flow_file: Path = Path("/flows/flow.py"),
    platform: str = "linux-64",
) -> EnvironmentSpec:
    found = environment(*decorators, channels=channels, indexes=indexes, flow_file=flow_file, platform=platform)
    assert isinstance(found, EnvironmentSpec)
    return found


def refused(*decorators: StepDecorator, channels: tuple[str, ...] = CHANNELS) -> InvalidSpec:
    with pytest.raises(InvalidSpec) as caught:
        asked(*decorators, channels=channels)
    return caught.value

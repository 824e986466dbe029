"""`build`: the lock and the image of every step, without a run; and why an image is another than it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from dockerflow.cli import sentences
from dockerflow.cli.flows import load_flow
from dockerflow.cli.picture import Picture
from dockerflow.cli.places import config_here, place_of, store_for_writing
from dockerflow.cli.running import telling_of_a_stop, view_for
from dockerflow.cli.words import listed
from dockerflow.config import Config
from dockerflow.flow.checks import check
from dockerflow.flow.definition import Flow
from dockerflow.flow.given import NOTHING, Given
from dockerflow.images import changes
from dockerflow.images.build_history import History, Whose, read
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import Notify
from dockerflow.store.base import Store


@dataclass(frozen=True)
class Chosen:
    """What the command line says."""

    file: Path
    flow: str | None
    explain: bool
    store: str | None
    given: Given = NOTHING


def build(chosen: Chosen) -> int:
    """Have a lock and an image for every step; a line about each as in a run, and one about all. Raises what `prepare`
    raises, and FlowError for a flow that could not run.
    """
    flow = load_flow(chosen.file, chosen.flow, chosen.given).flow
    check(flow, containers=True)
    config = config_here()
    store = store_for_writing(chosen.store, config)
    before = _histories(flow, config)
    with telling_of_a_stop("stopped") as noted, view_for(place_of(store)) as view:
        _prepare(flow, config, store, noted(view.notify))
        picture = view.finish()
    if chosen.explain:
        for line in explained(picture, before, _histories(flow, config)):
            print(line)
    print(sentences.environments(picture.environments.values()))
    return 0


def _prepare(flow: Flow, config: Config, store: Store, notify: Notify) -> None:
    from dockerflow.engines.docker import DockerHost
    from dockerflow.host_settings import LOCAL
    from dockerflow.scheduler.prepare import Preparation, prepare

    with closing(DockerHost.connect(config.engine)) as host:
        prepare(Preparation(flow, {LOCAL: host}, dict.fromkeys(flow.steps, (LOCAL,)), config, store, notify))


def _histories(flow: Flow, config: Config) -> Mapping[str, History | None]:
    """By step."""
    return {step: read(config.cache_dir, Whose(flow.file, flow.name, step)) for step in flow.steps}


def explained(
    picture: Picture, before: Mapping[str, History | None], after: Mapping[str, History | None]
) -> Iterator[str]:
    """Why images were built or not; a line for the steps that share an image and what it was before."""
    order = list(after)
    for steps, environment in sorted(picture.environments.items(), key=lambda item: order.index(item[0][0])):
        built = environment.ready.layers_built if environment.ready else 0
        sent = environment.ready.layers_sent if environment.ready else 0
        told: dict[str, tuple[str, ...]] = {}
        for step in steps:
            now = after[step]
            why = changes.why(before[step], now.last, built, sent) if now else "nothing could be noted in the cache"
            told[why] = (*told.get(why, ()), step)
        yield from (f"{listed(those)}: {why}" for why, those in told.items())

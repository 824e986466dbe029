"""`images sbom`: what is in an image, or will be in that of a flow's step, as a document for other programs."""

from __future__ import annotations

import sys
from pathlib import Path

from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.flows import load_flow
from dockerflow.cli.giving import STDOUT
from dockerflow.cli.images import Here, looked_up
from dockerflow.cli.places import config_here, store_for_writing
from dockerflow.cli.targets import platform_here
from dockerflow.client.errors import not_found
from dockerflow.environments.lock import Lock
from dockerflow.environments.locks import lock_for
from dockerflow.environments.spec import EnvironmentSpec, GivenImage
from dockerflow.flow.definition import Flow
from dockerflow.flow.errors import place
from dockerflow.images import naming
from dockerflow.images.errors import ExportError, IncompleteImage
from dockerflow.images.export import already_there, write_file
from dockerflow.images.inventory import STEP, KnownImage, lock_of
from dockerflow.images.sbom import Subject, cyclonedx
from dockerflow.progress import ignore
from dockerflow.scheduler.prepare import environments


def sbom(word: str, name: str | None, output: Path | None, force: bool, store: str | None) -> int:
    """Print or write the document of an image, or of a flow file's step (`flow.py` or `flow.py:step`); `name` is the
    flow that is meant where the file has several. A file that is there is replaced if `force` is given.
    """
    if output is not None and output != STDOUT and not force and output.exists():
        raise already_there(output)
    file, _, step = word.partition(":")
    if file.endswith(".py"):
        lock, subject = _of_flow(load_flow(file, name).flow, step, store)
    else:
        with looked_up(store) as here:
            image = naming.find(here.found, word)
            lock, subject = _lock(here, image), _subject(image)
    document = cyclonedx(lock, subject)
    if output is None or output == STDOUT:
        sys.stdout.write(document)
    else:
        _write(output, document, force)
    return 0


def _lock(here: Here, image: KnownImage) -> Lock:
    lock = image.lock or lock_of(here.places.store, image.uses)
    if lock is None:
        raise IncompleteImage(
            f"no run in the store `{here.places.store.name}` has the lock of `{image.reference}`",
            "name the flow file and its step instead, as `flow.py:step`, or another store with `--store`",
        )
    return lock


def _subject(image: KnownImage) -> Subject:
    base = image.record.parts if image.record else None
    return Subject(
        name=STEP.rstrip(":"),
        version=image.hex,
        manifest_digest=image.manifest_digest,
        base_name=base.base_name if base else "",
        base_digest=base.base_digest if base else "",
    )


def _of_flow(flow: Flow, step: str, chosen: str | None) -> tuple[Lock, Subject]:
    """From the lock that a run would use: committed, kept in the store, or solved now."""
    if step and step not in flow.steps:
        raise not_found("step", step, f"flow `{flow.name}`", flow.steps)
    config = config_here()
    all_of_them = environments(flow, config, platform_here(config))
    wanted = {asked: steps for asked, steps in all_of_them.items() if not step or step in steps}
    if len(wanted) > 1:
        file = place(flow.file)
        named = ", ".join(f"`{file}:{steps[0]}`" for steps in wanted.values())
        raise CommandLineError(f"the steps of `{file}` have {len(wanted)} environments", f"name a step: {named}")
    asked, steps = next(iter(wanted.items()))
    if isinstance(asked, GivenImage):
        raise IncompleteImage(
            f"step `{steps[0]}` brings its own image `{asked.name}`, which dockerflow knows no packages of",
            "ask whoever made the image, or a scanner that looks into it",
        )
    asked = asked.with_python if isinstance(asked, EnvironmentSpec) else asked
    lock = lock_for(asked, store_for_writing(chosen, config), flow.file, ignore, steps)
    return lock, Subject(name=f"{flow.name}/{step or steps[0]}", base_name=config.base_image)


def _write(output: Path, document: str, force: bool) -> None:
    content = document.encode()
    try:
        write_file(output, lambda file: file.write(content), force)
    except OSError as error:
        raise ExportError(
            f"`{output}` cannot be written: {error.strerror}", "name another file with `--output`"
        ) from error

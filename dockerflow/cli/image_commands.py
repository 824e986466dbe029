"""The commands of `dockerflow images`: their options and help texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from dockerflow.cli.commands import Commands
from dockerflow.cli.run_options import AsJson, FlowName
from dockerflow.cli.store_option import Store

ImageWord = Annotated[
    str,
    typer.Argument(metavar="IMAGE", help="Its reference, the first digits of that or of a digest, or Flow/run/step."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")]

images_app = typer.Typer(cls=Commands, rich_markup_mode=None, help="The images that steps run in.")


@images_app.command("list")
def list_images(
    every: Annotated[
        bool, typer.Option("--all", help="Also those of which neither this cache nor this store knows anything.")
    ] = False,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """List the step images, those used last first."""
    from dockerflow.cli import images

    return images.list_images(every, json, store)


@images_app.command("show")
def show_image(image: ImageWord, json: AsJson = False, store: Store = None) -> int:
    """Show what is in an image, and the runs that used it.

    Digests, layers, who shares them, packages, runs.
    """
    from dockerflow.cli import images

    return images.show_image(image, json, store)


@images_app.command("export")
def export_image(
    image: ImageWord,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write; `-` is stdout.")],
    force: Force = False,
    store: Store = None,
) -> int:
    """Write an image into an OCI archive.

    `docker load`, podman and skopeo take it.
    """
    from dockerflow.cli import giving

    return giving.export_image(image, output, force, store)


@images_app.command("push")
def push_image(
    image: ImageWord,
    repository: Annotated[str, typer.Argument(metavar="REPOSITORY[:TAG]", help="Such as `host:5000/team/name:tag`.")],
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Send it unencrypted, to a registry that speaks no TLS.")
    ] = False,
    store: Store = None,
) -> int:
    """Push an image to a registry.

    There it gets the digest that runs record.
    """
    from dockerflow.cli import giving

    return giving.push_image(image, repository, plain_http, store)


@images_app.command("sbom")
def sbom(
    image: Annotated[
        str, typer.Argument(metavar="IMAGE", help="As for `images show`, or FLOW.PY[:STEP] for what its lock has.")
    ],
    output: Annotated[
        Optional[Path], typer.Option("--output", "-o", metavar="FILE", help="The file to write; otherwise stdout.")
    ] = None,
    force: Force = False,
    flow: FlowName = None,
    store: Store = None,
) -> int:
    """Tell what is in an image as a CycloneDX document.

    It is of version 1.6, in JSON, with packages, hashes, dependencies and base.
    """
    from dockerflow.cli import sbom as command

    return command.sbom(image, flow, output, force, store)


@images_app.command("mirror")
def mirror_runs(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Runs, as `Flow/run`, or flows.", show_default=False)
    ],
    forget: Annotated[
        bool, typer.Option("--forget", help="No longer keep them; the next `gc` frees the room.")
    ] = False,
    store: Store = None,
) -> int:
    """Keep in the store what the images of runs are made of.

    Package files, and the base image's layers: then the images can be made again with the same digests when no channel
    and no registry has these any more.
    """
    from dockerflow.cli import mirroring

    return mirroring.mirror_runs(runs, forget, store)


@images_app.command("prune")
def prune_images(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="TIME", help="How long it was not used: `30m`, `12h`, `30d`, `2w`.")
    ],
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Also images that neither this cache nor this store knows.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it without asking.")] = False,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """Remove images and parts of the cache that were not used for long. Shows them first and asks."""
    from dockerflow.cli import pruning

    return pruning.prune_images(older_than, unknown, yes, json, store)

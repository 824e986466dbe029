"""The commands of `dockerflow hosts`: their options and help texts. What they do is in `hosts`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from dockerflow.cli.commands import Commands
from dockerflow.cli.run_options import AsJson, host_names

hosts_app = typer.Typer(cls=Commands, rich_markup_mode=None, help="The Docker hosts that runs may use.")

_URLS = "ssh://[user@]host[:port], tcp://host:port, unix:///path or context://name."
_OF_USER = "In your own settings, for all projects, not in those of this one."
Name = Annotated[str, typer.Argument(metavar="NAME", help="The host.", show_default=False, autocompletion=host_names)]


@hosts_app.command("add")
def add(  # noqa: PLR0913  # one argument per option is how typer reads a command
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.", show_default=False)],
    url: Annotated[str, typer.Argument(metavar="URL", help=_URLS, show_default=False)],
    ca: Annotated[
        Optional[str], typer.Option("--ca", metavar="FILE", help="Whom its certificate must be signed by, for tcp://.")
    ] = None,
    certificate: Annotated[
        Optional[str], typer.Option("--certificate", metavar="FILE", help="Your certificate, for tcp://.")
    ] = None,
    key: Annotated[Optional[str], typer.Option("--key", metavar="FILE", help="The key of that certificate.")] = None,
    s3_endpoint: Annotated[
        Optional[str],
        typer.Option("--s3-endpoint", metavar="URL", help="The S3 server as step containers there see it."),
    ] = None,
    network: Annotated[
        Optional[str], typer.Option("--network", metavar="NAME", help="The Docker network of step containers there.")
    ] = None,
    registry: Annotated[
        Optional[str],
        typer.Option("--registry", metavar="HOST[:PORT]", help="From where it takes images; otherwise they are sent."),
    ] = None,
    max_workers: Annotated[
        Optional[int], typer.Option("--max-workers", min=1, metavar="N", help="How many tasks run at once there.")
    ] = None,
    user: Annotated[bool, typer.Option("--user", help=_OF_USER)] = False,
) -> int:
    """Write a host into the project's settings."""
    from dockerflow.cli import hosts

    given = {
        "url": url,
        "ca": ca,
        "certificate": certificate,
        "key": key,
        "s3_endpoint": s3_endpoint,
        "network": network,
        "registry": registry,
        "max_workers": None if max_workers is None else str(max_workers),
    }
    return hosts.add(name, {each: text for each, text in given.items() if text is not None}, user)


@hosts_app.command("list")
def list_hosts(json: AsJson = False) -> int:
    """List the hosts that can be used, without asking them."""
    from dockerflow.cli import hosts

    return hosts.list_hosts(json)


@hosts_app.command("check")
def check(
    names: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="NAME", help="Otherwise all.", show_default=False, autocompletion=host_names),
    ] = None,
    json: AsJson = False,
) -> int:
    """Try all that a run needs of a host, and say what to fix."""
    from dockerflow.cli import hosts

    return hosts.check(names or [], json)


@hosts_app.command("remove")
def remove(name: Name, user: Annotated[bool, typer.Option("--user", help=_OF_USER)] = False) -> int:
    """Take a host out of the settings."""
    from dockerflow.cli import hosts

    return hosts.remove(name, user)

"""The options that several commands share, most of them `run` and `resume`, each written once."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Optional

import typer


class Engine(str, Enum):
    docker = "docker"
    process = "process"


def flow_files(incomplete: str) -> list[str]:
    """The Python files that a word may become; where there is none, the shell completes it as any path."""
    folder = Path(incomplete or ".").parent if incomplete else Path()
    found = (path.as_posix() for path in folder.glob("*.py") if path.is_file())
    return sorted(path for path in found if path.startswith(incomplete.removeprefix("./")))


def host_names(incomplete: str) -> list[str]:
    """The hosts that a word may become, or the last of several with commas between."""
    from dockerflow.hosts import completed

    return completed(incomplete)


FlowFileWord = Annotated[
    Optional[str],
    typer.Argument(metavar="FLOW.PY", help="The file of the flow.", show_default=False, autocompletion=flow_files),
]
FlowFile = Annotated[
    Path, typer.Argument(metavar="FLOW.PY", help="The file of the flow.", show_default=False, autocompletion=flow_files)
]
FlowName = Annotated[
    Optional[str], typer.Option("--flow", metavar="NAME", help="The flow's class, if the file has several.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
MaxWorkers = Annotated[
    Optional[int],
    typer.Option("--max-workers", min=1, metavar="N", help="How many tasks run at once; otherwise one per core."),
]
MaxNumSplits = Annotated[
    Optional[int],
    typer.Option(
        "--max-num-splits", min=1, metavar="N", help="How many tasks one foreach may make; otherwise 100,000."
    ),
]
MaxLogSize = Annotated[
    Optional[int],
    typer.Option(
        "--max-log-size",
        min=1,
        metavar="MB",
        help="How much is kept of each stream of a task, its head and its tail; otherwise everything.",
    ),
]
FreshContainers = Annotated[
    bool, typer.Option("--fresh-containers", help="Run each task in a container of its own, which is slower.")
]
Tags = Annotated[
    Optional[list[str]], typer.Option("--tag", metavar="TEXT", help="A tag of the run; may be given several times.")
]
RunIdFile = Annotated[
    Optional[Path],
    typer.Option("--run-id-file", metavar="PATH", help="A file to write the run's id to, before its first task."),
]
RunnerAttributeFile = Annotated[
    Optional[Path],
    typer.Option(
        "--runner-attribute-file", hidden=True, help="A file to tell a `Runner` of the run when it has begun."
    ),
]
EngineWord = Annotated[
    Engine,
    typer.Option("--engine", help="Where steps run: in containers, or in this Python without any (for debugging)."),
]
Host = Annotated[
    Optional[list[str]],
    typer.Option(
        "--host",
        metavar="NAME,…",
        help="The Docker hosts where steps run that name none; otherwise this machine.",
        autocompletion=host_names,
    ),
]
With = Annotated[
    Optional[list[str]],
    typer.Option(
        "--with",
        metavar="NAME:OPTION=VALUE,…",
        help="A decorator for every step that has none of its kind; may be given several times.",
    ),
]
Branch = Annotated[
    Optional[str], typer.Option("--branch", metavar="NAME", help="The branch of the flow's project; otherwise yours.")
]
Production = Annotated[
    bool, typer.Option("--production", help="The production branch of the flow's project, or with --branch one of it.")
]
Namespace = Annotated[
    Optional[str],
    typer.Option(
        "--namespace",
        metavar="TAG",
        help="What the client in steps looks at: the runs with this tag, or all if it is empty; otherwise your own.",
    ),
]
ExplainCache = Annotated[
    bool,
    typer.Option(
        "--explain-cache", help="Say of each task with `@cache` whose result is reused, or what has changed since."
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="Leave out what is told about images, and the summary at the end.")
]
PackageSuffixes = Annotated[
    Optional[str],
    typer.Option(
        "--package-suffixes",
        metavar="TEXT",
        help="Endings of files that go into the containers beside the Python files, as `.csv,.txt`.",
    ),
]


def suffixes(text: Optional[str]) -> tuple[str, ...]:
    """The endings in a text like `.csv,.txt`."""
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())

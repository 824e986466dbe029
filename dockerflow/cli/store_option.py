"""The option `--store`, as all commands have it."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

Store = Annotated[
    Optional[str],
    typer.Option(
        "--store",
        metavar="STORE",
        help="The store: a folder, or `s3://bucket/prefix`; otherwise `.dockerflow/` in this folder or one above it.",
    ),
]

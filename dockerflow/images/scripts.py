"""The script that makes a command of a Python function, as conda's installers write it."""

from __future__ import annotations

from dockerflow.images.metadata import EntryPoint


def script(point: EntryPoint, python: str) -> bytes:
    """The text of `bin/<command>`; `python` is the interpreter's absolute path."""
    imported = point.function.split(".", 1)[0]
    shebang = f"#!{python}" if len(python) <= 125 else f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\" #'''"
    return (
        f"{shebang}\n# -*- coding: utf-8 -*-\nimport re\nimport sys\n\nfrom {point.module} import {imported}\n\n"
        "if __name__ == '__main__':\n\tsys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])\n"
        f"\tsys.exit({point.function}())\n"
    ).encode()

"""The one layer that is ours: the entry point, the places where a step's container is given its store, and `/work`.

It is the same in every image, so it lies right above the base.
"""

from __future__ import annotations

from dockerflow.images.image import PREFIX
from dockerflow.images.oci import ENTER
from dockerflow.images.tar import LayerWriter

# Part of the layer's key. Raise it when what is written here changes.
RECIPE = 1

TITLE = "dockerflow"

# Enters the environment as `conda activate` does, then becomes the command.
# - Activation scripts are written for bash, and a syntax error in a sourced file ends other shells, so bash runs them
#   where the base has it.
# - A step's container speaks with the scheduler over its standard input and output, so scripts get neither.
# - Variables (https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html) are set
#   before the scripts run, those of the packages first.
_ENTER = f"""#!/bin/sh
PREFIX={PREFIX}
case ":$PATH:" in *":$PREFIX/bin:"*) ;; *) PATH="$PREFIX/bin:$PATH" ;; esac
export PATH CONDA_PREFIX="$PREFIX" CONDA_DEFAULT_ENV="$PREFIX" CONDA_SHLVL=1

if [ -d "$PREFIX/etc/conda/env_vars.d" ] || [ -f "$PREFIX/conda-meta/state" ]; then
    eval "$("$PREFIX/bin/python" -I -c '
import glob, json, os, shlex, sys
found = {{}}
for path in sorted(glob.glob(sys.argv[1] + "/etc/conda/env_vars.d/*.json")):
    with open(path) as file:
        found.update(json.load(file))
state = sys.argv[1] + "/conda-meta/state"
if os.path.isfile(state):
    with open(state) as file:
        found.update(json.load(file).get("env_vars", {{}}))
for name, value in sorted(found.items()):
    if name.isidentifier() and value != "***unset***":
        print("export " + name + "=" + shlex.quote(str(value)))
' "$PREFIX" </dev/null)"
fi

if [ -d "$PREFIX/etc/conda/activate.d" ]; then
    if [ -z "$BASH_VERSION" ] && [ -x /bin/bash ]; then
        exec /bin/bash "$0" "$@"
    fi
    for script in "$PREFIX"/etc/conda/activate.d/*.sh; do
        if [ -f "$script" ]; then
            . "$script" </dev/null >&2
        fi
    done
fi
exec "$@"
"""


def write_skeleton(out: LayerWriter) -> None:
    """Fill and close the layer."""
    for path in ("dockerflow", "dockerflow/blobs", "dockerflow/outbox", f"{PREFIX}/conda-meta"):
        out.directory(path)
    for path in ("tmp", "work"):
        out.directory(path, 0o1777)
    script = _ENTER.encode()
    out.file(ENTER, 0o755, 0, len(script), [script])
    # conda takes a folder for an environment if it has this file.
    out.file(f"{PREFIX}/conda-meta/history", 0o644, 0, 0, [])
    out.close()

"""A base image made from Debian's packages: the same packages give the same image, with the same ID, on any machine.

`mmdebstrap` makes the tree and gives its files fixed times. What it copies from the machine that it runs on (its name,
its name servers, how its apt knows Debian's keys) is taken out again, and the image's config is ours, with nothing of
the moment in it: `docker import` would put the time into it, and the image would have another ID each time.
"""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from docker import DockerClient

from dockerflow.errors import DockerflowError
from dockerflow.images import engine, load, oci
from dockerflow.images.files import canonical_json, sha256_of
from dockerflow.images.image import Layer, StepImage
from dockerflow.setup.debian import last_error
from dockerflow.setup.errors import BaseNotReady

MAKE_SECONDS = 900

# Every file that is younger, and the image itself: the day that Debian 12 came out.
EPOCH = 1686355200

LEFT_OUT = ("/usr/share/man/*", "/usr/share/info/*", "/usr/share/doc/*", "/usr/share/locale/*")
KEPT = "/usr/share/doc/*/copyright"

# Run by a shell in which `$1` is the tree. An engine puts its own files over the first two.
_OF_THIS_MACHINE = (
    ': > "$1/etc/resolv.conf"',
    'echo debian > "$1/etc/hostname"',
    'sed -i "s/ \\[signed-by=[^]]*\\]//" "$1/etc/apt/sources.list"',
)

# As Debian's own image has it.
CONFIG = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": ["bash"]}

# What Docker calls the machines that it calls otherwise than Linux does.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def make(client: DockerClient, name: str) -> None:
    """Make the image and give it to the engine under `name`. Raises BaseNotReady."""
    with tempfile.TemporaryDirectory(prefix="dockerflow-base-") as folder:
        archive = Path(folder) / "base.tar"
        _mmdebstrap(archive, name)
        image = _image(archive)
        try:
            load.ensure(client, image)
            with engine.explaining_engine(f"naming the base image `{name}`"):
                repository, tag = name.rsplit(":", 1)
                client.api.tag(image.reference, repository, tag)
                client.api.remove_image(image.reference, noprune=True)  # its other name is enough
        except DockerflowError as error:
            raise BaseNotReady(
                f"The engine did not take the base image: {error.message}", error.hint or "see `dockerflow doctor`"
            ) from error


def _mmdebstrap(archive: Path, name: str) -> None:
    options = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT] + [f"--dpkgopt=path-include={KEPT}"]
    options += [f"--customize-hook={command}" for command in _OF_THIS_MACHINE]
    command = ["mmdebstrap", "--variant=minbase", "--include=ca-certificates", *options, "bookworm", str(archive)]
    settings = {"SOURCE_DATE_EPOCH": str(EPOCH), "TMPDIR": str(archive.parent), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=MAKE_SECONDS,
            check=False,
            umask=0o022,
        )
    except subprocess.TimeoutExpired:
        raise BaseNotReady(
            f"`{name}` could not be made: Debian's packages did not come within {MAKE_SECONDS // 60} minutes.",
            "check the network (`apt-get update`), then try again",
        ) from None
    if done.returncode != 0:
        raise BaseNotReady(
            f"`{name}` could not be made from Debian's packages: {last_error(done.stderr)}",
            "check the network (`apt-get update`) and the free space of the temporary folder, then try again",
        )


def _image(archive: Path) -> StepImage:
    """The image of one layer, under a name of ours."""
    layer = Layer(f"sha256:{sha256_of(archive)}", archive, archive.stat().st_size, "Debian bookworm from its packages")
    created = datetime.fromtimestamp(EPOCH, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    machine = platform.machine()
    config = canonical_json(
        {
            "architecture": _ARCHITECTURES.get(machine, machine),
            "os": "linux",
            "created": created,
            "config": CONFIG,
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
            "history": [{"created": created, "created_by": f"{oci.CREATED_BY}{layer.title}"}],
        }
    )
    reference = f"dockerflow/base:{layer.diff_id.removeprefix('sha256:')[:24]}"
    return oci.with_config(oci.ImageName(reference, "", oci.digest(config)), config, [layer])

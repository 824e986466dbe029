"""What a step image has that no package brings: its kernel, C library and processor, as conda's virtual packages.

They describe the image's platform and never this machine, so that a lock is the same wherever it is made. The values
are those of the base image (Debian 12), and for what depends on the host the least that may be counted on: a package
that asks for more, or for a GPU (`__cuda`), is refused while solving instead of failing in the container. Changing
one means that equal specs are solved to something else: raise VERSION in `spec` with it.
"""

from __future__ import annotations

GLIBC = "2.36"
LINUX = "5.10"

_PROCESSORS = {"linux-64": "x86_64", "linux-aarch64": "aarch64"}

PLATFORMS = tuple(_PROCESSORS)


def of_platform(platform: str) -> dict[str, tuple[str, str]]:
    """(version, build string) by name. `platform` is one of PLATFORMS."""
    return {
        "__unix": ("0", "0"),
        "__linux": (LINUX, "0"),
        "__glibc": (GLIBC, "0"),
        "__archspec": ("1", _PROCESSORS[platform]),
    }

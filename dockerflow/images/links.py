"""Where the symbolic links of a package lead: never out of the environment, whatever links they go through.

A link is followed as the kernel does it, through the package's other links. Through a folder that another package may
have made a link it cannot be followed, so one that goes up again from there is refused as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping

# As many as the kernel follows. A link in a circle leads nowhere.
_MOST_HOPS = 40


def leads_out(path: str, links: Mapping[str, str], folders: Collection[str], prefix: str) -> bool:
    """Whether the link at `path` leads out of `prefix`, or may do so.

    `links` are the package's targets by their paths below the prefix; `folders` are those that its own files lie in,
    which no other package can make links.
    """
    return _Walk(links, folders, prefix).leaves(path)


class _Walk:
    def __init__(self, links: Mapping[str, str], folders: Collection[str], prefix: str) -> None:
        self._links = links
        self._folders = folders
        self._top = _parts(prefix)
        self._here: list[str] = []
        self._waiting: deque[str] = deque()

    def leaves(self, path: str) -> bool:
        self._waiting.extend(path.split("/"))
        hops = 0
        while self._waiting and hops <= _MOST_HOPS:
            part = self._waiting.popleft()
            if part == "..":
                if "/".join(self._here) not in self._folders:  # the prefix itself is none of them
                    return True
                self._here.pop()
                continue
            self._here.append(part)
            target = self._links.get("/".join(self._here))
            if target is not None:
                hops += 1
                if not self._follow(target):
                    return True
        return False

    def _follow(self, target: str) -> bool:
        """Go on at the target of the link that was come to; False if that is outside."""
        parts = _parts(target)
        self._here.pop()
        if target.startswith("/"):
            if parts[: len(self._top)] != self._top:
                return False
            self._here, parts = [], parts[len(self._top) :]
        self._waiting.extendleft(reversed(parts))
        return True


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]

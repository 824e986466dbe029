"""What ssh says when it does not get to an engine's socket, as errors that say what to do.

ssh has one exit status for everything, so its words are looked at, which have been the same for twenty years; what is
not known is passed on as it is. That the connection stands and the socket cannot be opened has one message for all
causes (`open failed: connect failed: open failed`): for that `why_closed` looks at the machine itself, where a shell
may be had there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dockerflow.engines.address import SshPlace
from dockerflow.engines.errors import HostNotReached
from dockerflow.lazy_dataclasses import dataclass

# ssh's message for a socket that could not be opened on the other side, for whatever reason.
CLOSED = "open failed"

# To be read by a POSIX shell on the host, with the socket's path as argument. Says what the socket is, then which other
# sockets of engines the user could use. A socket that is listened on has the flag 00010000 (`__SO_ACCEPTCON`).
LOOK = r"""
s=$1
real=$(readlink -f "$s" 2>/dev/null || echo "$s")
if [ ! -e "$s" ]; then echo missing
elif [ ! -S "$s" ]; then echo other
elif [ ! -w "$s" ]; then echo denied
elif grep -qE " 00010000 .* ($s|$real)\$" /proc/net/unix 2>/dev/null; then echo listening
else echo deaf
fi
run=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
podman=podman/podman.sock
for each in /var/run/docker.sock "$run/docker.sock" "$HOME/.docker/run/docker.sock" "/run/$podman" "$run/$podman"
do if [ "$each" != "$s" ] && [ -S "$each" ] && [ -w "$each" ]; then echo "$each"; fi
done
"""


@dataclass(frozen=True)
class _Known:
    words: str  # a regular expression
    reason: str
    hint: str | None = None  # None: to have the host checked


# Of several that are found the first is meant: where a key has changed ssh also says that it could not verify it.
_KNOWN = (
    _Known(
        "REMOTE HOST IDENTIFICATION HAS CHANGED|[Hh]ost key for .* has changed",
        "its SSH key is not the one that is known of it; somebody may be listening in",
        "ask who runs it whether the key is new; if it is, `ssh-keygen -R {known}` forgets the old one, "
        "and `{command}` shows the new one",
    ),
    _Known(
        "Host key verification failed|No .* host key is known for",
        "its SSH key is not known here",
        "connect once with `{command}`, compare the fingerprint that it shows, and say yes",
    ),
    _Known(
        r"Permission denied \((?P<ways>[^)]*)\)|Too many authentication failures",
        "ssh was not let in ({said})",
        "`{command}` must work without asking for anything: load your key into the agent (`ssh-add`), put it into "
        "`~/.ssh/authorized_keys` there (`ssh-copy-id`), or name another user in the URL",
    ),
    _Known(
        "Could not resolve hostname",
        "nobody knows its name ({said})",
        "correct its URL, or give it a `Host` entry in `~/.ssh/config`",
    ),
    _Known(
        "Connection refused",
        "nothing listens for ssh there ({said})",
        "start sshd there, or name its port in the URL",
    ),
    _Known(
        "(?i)timed out|Timeout, server .* not responding|No route to host|Network is unreachable|Host is down",
        "it does not answer ({said})",
    ),
)


def not_reached(name: str, place: SshPlace, said: Sequence[str]) -> HostNotReached:
    """`said` is what ssh wrote before it ended, line by line."""
    for known in _KNOWN:
        line = next((each for each in reversed(said) if re.search(known.words, each)), None)
        if line is not None:
            hint = known.hint and known.hint.format(command=command(place), known=_known_as(place))
            return HostNotReached(name, known.reason.format(said=_plain(line)), hint)
    last = next((_plain(each) for each in reversed(said) if each.strip()), "ssh ended and said nothing")
    return HostNotReached(name, last)


def why_closed(name: str, place: SshPlace, seen: Sequence[str]) -> HostNotReached:
    """`seen` is what `LOOK` found there; empty where it could not be run."""
    state, others = (seen[0], seen[1:]) if seen else ("", ())
    reason, hint = _CLOSED.get(state, _CLOSED[""])
    words = {"socket": place.socket, "user": place.user or "USER", "command": command(place)}
    other = f"another one that may be used is there: `{_url(place, others[0])}`" if others else ""
    return HostNotReached(
        name, reason.format(**words), "; ".join(each for each in (other, hint.format(**words)) if each)
    )


_START = "start Docker there, or name the socket's path in the URL (`ssh://host/path/of/the/socket`)"
_CLOSED = {
    "missing": ("there is no socket `{socket}` there", _START),
    "other": ("`{socket}` is no socket there", _START),
    "deaf": ("no engine listens at the socket `{socket}` there", _START),
    "denied": (
        "ssh's user may not use the socket `{socket}` there",
        "add the user to the group that owns it (`sudo usermod -aG docker {user}` there, then log in anew), or name "
        "another user in the URL",
    ),
    "listening": (
        "its sshd does not forward connections to the socket `{socket}`",
        "set `AllowStreamLocalForwarding yes` in its sshd_config, where `DisableForwarding` must not be set",
    ),
    "": (
        "its sshd cannot connect to the socket `{socket}`",
        "see with `{command}` that the socket is there, that an engine listens, that the user may use it, and that "
        "sshd_config does not say `AllowStreamLocalForwarding no`",
    ),
}  # fmt: skip


def command(place: SshPlace) -> str:
    """What a user types to get there."""
    port = "" if place.port is None else f" -p {place.port}"
    user = "" if place.user is None else f"{place.user}@"
    return f"ssh{port} {user}{place.host}"


def _url(place: SshPlace, socket: str) -> str:
    user = "" if place.user is None else f"{place.user}@"
    host = f"[{place.host}]" if ":" in place.host else place.host
    port = "" if place.port is None else f":{place.port}"
    return f"ssh://{user}{host}{port}{socket}"


def _known_as(place: SshPlace) -> str:
    return place.host if place.port in (None, 22) else f"'[{place.host}]:{place.port}'"


def _plain(line: str) -> str:
    return line.strip().removeprefix("ssh: ").rstrip(".")

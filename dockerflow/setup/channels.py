"""See that conda channels answer; make one of this machine's own where the default does not.

A user's own choice of channels is never replaced: a channel of theirs that does not answer is said, and that is all.
Only where none was chosen and the default does not answer is a local one made, with what the given flows ask for, and
written into the user's configuration file.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from rattler import Channel, Client
from rattler.exceptions import AuthenticationStorageError
from rattler.package_streaming import download_to_writer

from dockerflow import credentials
from dockerflow.config import DEFAULT, Config, set_in_file, user_file
from dockerflow.environments import event_loop
from dockerflow.environments.request import environment_for
from dockerflow.environments.spec import EnvironmentSpec, default_python
from dockerflow.flow.loading import load
from dockerflow.setup.channel import LocalChannel, Request, this_subdir
from dockerflow.setup.finding import Finding, Notify, ignore

SUBJECT = "channel"

ANSWER_SECONDS = 10
REPODATA = ("noarch/repodata.json.zst", "noarch/repodata.json")


def local_channel(config: Config) -> LocalChannel:
    """The local channel of this machine's user, whether it is there or not."""
    return LocalChannel(config.data_dir / "channel")


def look(config: Config) -> Iterator[Finding]:
    """One finding for each configured channel. Changes nothing."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        for channel, refused in zip(config.channels, pool.map(why_silent, config.channels), strict=True):
            if refused is None:
                yield Finding(SUBJECT, "ok", f"`{channel}` answers")
            else:
                yield Finding(SUBJECT, "missing", f"`{channel}` does not answer: {refused}", _hint(config))


def ensure(config: Config, flows: Sequence[Path], notify: Notify = ignore) -> Iterator[Finding]:
    """The configured channels, or the local one with what `flows` ask for.

    Raises ChannelNotMade, and FlowError or InvalidSpec where a flow says nothing that can be made.
    """
    local = local_channel(config)
    if local.url in config.channels:
        yield _ensure_local(local, config, flows, notify)
        yield from (finding for finding in look(config) if f"`{local.url}`" not in finding.text)
        return
    findings = list(look(config))
    if config.source("channels") != DEFAULT or any(finding.good for finding in findings):
        yield from findings
        return
    yield Finding(SUBJECT, "ok", f"{_listed(config.channels)} does not answer, so a local one is used")
    yield _ensure_local(local, config, flows, notify)
    set_in_file(user_file(), "channels", (local.url,))
    yield Finding(SUBJECT, "made", f"`channels` now names it in {user_file()}")


def requests_of(flows: Sequence[Path], config: Config) -> list[Request]:
    """What the steps of `flows` ask for, each once, and a Python alone."""
    python = default_python()
    platform = this_subdir()
    found = [Request(python, ())]
    for path in flows:
        for step in load(path).flow.steps.values():
            asked = environment_for(step, config.channels, config.indexes, platform)
            if isinstance(asked, EnvironmentSpec):
                libraries = ((name.rpartition("::")[2], version) for name, version in asked.libraries)
                found.append(Request(asked.with_python.python, tuple(libraries)))
    return list(dict.fromkeys(found))


def _ensure_local(local: LocalChannel, config: Config, flows: Sequence[Path], notify: Notify) -> Finding:
    requests = requests_of(flows, config)
    made = local.add(
        requests, lambda request: notify(Finding(SUBJECT, "doing", f"making {request} from PyPI's wheels"))
    )
    if not made:
        return Finding(SUBJECT, "ok", f"the local one in {local.folder} has what is asked for")
    words = "; ".join(str(request) for request in made)
    return Finding(SUBJECT, "made", f"the local one in {local.folder} now has {words}")


def why_silent(channel: str) -> str | None:
    """Why a channel gives no packages, or None where it answers. `channel` is a name, a URL or a folder."""
    base = str(Channel(channel).base_url).rstrip("/")
    if urlsplit(base).scheme == "file":
        folder = Path(url2pathname(urlsplit(base).path))
        there = any((folder / name).is_file() for name in REPODATA)
        return None if there else f"there is no {REPODATA[-1]} in {folder}"
    reason: str | None = None
    for name in REPODATA:
        reason = _why_no_answer(f"{base}/{name}")
        if reason is None:
            return None
    return reason


def _why_no_answer(url: str) -> str | None:
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS):
            return None
    except urllib.error.HTTPError as error:
        with error:
            refused = f"{error.code} {HTTPStatus(error.code).phrase}"
        return _why_not_with_credentials(url, refused) if credentials.wanted(refused) else refused
    except TimeoutError:
        return f"no answer within {ANSWER_SECONDS} seconds"
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        return str(getattr(reason, "strerror", None) or reason)


def _why_not_with_credentials(url: str, reason: str) -> str | None:
    """Ask once more as the solver does: with what `~/.netrc` and RATTLER_AUTH_FILE have for the host."""
    first = _FirstBytes()
    try:
        client = Client.default_client(max_retries=0, timeout=ANSWER_SECONDS)
        event_loop.run(download_to_writer(client, url, first))
    except (RuntimeError, OSError, AuthenticationStorageError):
        return None if first.there else f"{reason}: {credentials.WANTED}"
    return None


class _FirstBytes:
    """Takes the first bytes of a file and no more."""

    there = False

    def write(self, data: bytes) -> None:
        self.there = True
        raise OSError("this is enough")


def _hint(config: Config) -> str:
    if config.source("channels") == DEFAULT:
        return "run `dockerflow setup FLOW`, which makes a local channel, or name another with the setting `channels`"
    return f"check the network, or change `channels` ({config.source('channels')})"


def _listed(channels: Sequence[str]) -> str:
    return ", ".join(f"`{channel}`" for channel in channels)

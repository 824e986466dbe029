"""Hosts in files of settings: what is read, what a mistake says, and that writing one keeps the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow import host_files, host_values
from dockerflow.config import ConfigError, load_config, user_file
from dockerflow.host_settings import HostSettings

BIG = """\
# ours
hosts:
  gpu-box: ssh://me@gpu-box  # in the cellar
  big:
    url: tcp://10.0.0.7:2376
    ca: certs/ca.pem
    certificate: certs/cert.pem
    key: certs/key.pem
    s3_endpoint: http://10.0.0.5:9000/
    network: science
    registry: 10.0.0.5:5000/mirror
    max_workers: 8
network: none
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of settings of a project, which is not there yet."""
    (tmp_path / ".dockerflow").mkdir()
    return tmp_path / ".dockerflow" / "config.yaml"


def test_a_host_is_its_url_or_its_keys(file: Path) -> None:
    file.write_text(BIG)
    folder = file.parent.parent
    config = load_config(folder)
    assert config.hosts == {
        "gpu-box": HostSettings("gpu-box", "ssh://me@gpu-box", source=f"{file}:3"),
        "big": HostSettings(
            name="big",
            url="tcp://10.0.0.7:2376",
            ca=folder / "certs/ca.pem",
            certificate=folder / "certs/cert.pem",
            key=folder / "certs/key.pem",
            s3_endpoint="http://10.0.0.5:9000",
            network="science",
            registry="10.0.0.5:5000/mirror",
            max_workers=8,
            source=f"{file}:4",
        ),
    }
    assert config.network == "none"


def test_a_host_of_the_project_is_in_place_of_the_users_with_all_that_it_says(file: Path) -> None:
    user_file().parent.mkdir(parents=True)
    user_file().write_text("hosts:\n  a: {url: ssh://a, network: host}\n  b: ssh://b\n")
    file.write_text("hosts: {a: ssh://other}\n")
    hosts = load_config(file.parent.parent).hosts
    assert list(hosts) == ["a", "b"]
    assert hosts["a"] == HostSettings("a", "ssh://other", source=f"{file}:1")
    assert hosts["b"].source == f"{user_file()}:3"


@pytest.mark.parametrize("text", ["hosts:\n", "hosts: {}\n", "network: none\n"])
def test_without_hosts_there_is_none(file: Path, text: str) -> None:
    file.write_text(text)
    assert load_config(file.parent.parent).hosts == {}


def test_a_key_without_a_value_is_not_said(file: Path) -> None:
    file.write_text("hosts:\n  a:\n    url: ssh://a\n    network:\n")
    assert load_config(file.parent.parent).hosts["a"].network is None


@pytest.mark.parametrize(
    "url",
    [
        "ssh://gpu-box",
        "ssh://me@gpu-box.example.org:2222",
        "ssh://me@[fe80::1%eth0]:22/run/user/1000/docker.sock",
        "tcp://10.0.0.7:2376",
        "tcp://[::1]:2375",
        "unix:///run/docker.sock",
        "context://desktop-linux",
    ],
)
def test_every_way_to_an_engine_is_taken(file: Path, url: str) -> None:
    file.write_text(f"hosts:\n  a: '{url}'\n")
    assert load_config(file.parent.parent).hosts["a"].url == url


NO_PASSWORD = (
    "leave it out: ssh takes your key from its agent or `~/.ssh/config`, and `tcp://` a certificate and its key"
)
AS = "write `name: URL` below `hosts:`, or `name:` and below it `url:` and other keys, one a line"
NOT_A_URL = "is not the URL of a Docker engine"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("hosts: ssh://a\n", "1: `hosts` must be keys with values.", AS),
        ("hosts:\n  - ssh://a\n", "2: `hosts` must be keys with values.", AS),
        ("hosts:\n  a: [ssh://a]\n", "2: host `a` must be keys with values.", AS),
        ("hosts:\n  a: 5\n", "2: host `a` must be keys with values.", AS),
        ("hosts:\n  ? [a]\n  : ssh://a\n", "2: `hosts` must have names for keys.", AS),
        ("hosts:\n  a:\n    network: b\n", "2: host `a`: it has no `url`.", "write how it is reached"),
        ("hosts:\n  a:\n", "2: host `a`: it has no `url`.", "write how it is reached"),
        ("hosts:\n  a:\n    url: ''\n", "3: host `a`: `url` is empty.", "`url`: URL of its Docker engine"),
        ("hosts:\n  a:\n    url: [b]\n", "3: host `a`: `url` must be text.", "`url`: URL of its Docker engine"),
        ("hosts:\n  a:\n    network: 5\n", "3: host `a`: `network` must be text.", "`network`: the Docker network"),
        ("hosts:\n  a:\n    ulr: ssh://a\n", "3: host `a`: there is no key `ulr`.", "did you mean `url`?"),
        ("hosts:\n  a:\n    zzz: b\n", "3: host `a`: there is no key `zzz`.", "the keys of a host are url, ca"),
        ("hosts:\n  a:\n    password: b\n", "3: host `a`: there is no key `password`.", NO_PASSWORD),
        ("hosts:\n  a:\n    url: ssh://a\n    max_workers: 0\n", "4: host `a`: `max_workers` must be a whole", "`max"),
        ("hosts:\n  a: {url: ssh://a, max_workers: 1.5}\n", "2: host `a`: `max_workers` must be a whole", "`max_w"),
        ("hosts:\n  a: {url: ssh://a, max_workers: many}\n", "2: host `a`: `max_workers` must be a whole", "`max_w"),
        ("hosts:\n  a: {url: ssh://a, max_workers: [1]}\n", "2: host `a`: `max_workers` must be text", "`max_w"),
        ("hosts:\n  a: {url: ssh://a, registry: https://b}\n", "2: host `a`: `https://b` is not a registry", "write"),
        ("hosts:\n  a: {url: ssh://a, s3_endpoint: b}\n", "2: host `a`: `s3_endpoint`: `b` is not the URL", "write it"),
        ("hosts:\n  a: ssh://a\n  a: ssh://b\n", "3: `hosts` has `a` twice, first in line 2.", "leave one out"),
        ("hosts:\n  a:\n    url: ssh://a\n    url: b\n", "4: host `a` has `url` twice, first in line 3.", "leave one"),
        ("hosts:\n  a: ssh://a\nhosts:\n", "3: `hosts` is there twice, first in line 1.", "write all hosts below"),
        ("hosts:\n  local: ssh://a\n", "2: `local` is the engine of this machine", "give it another name"),
        ("hosts:\n  a b: ssh://a\n", "2: `a b` is not the name of a host.", "use letters, digits"),
        ("hosts:\n  -a: ssh://a\n", "2: `-a` is not the name of a host.", "use letters, digits"),
        ("host:\n  a: ssh://a\n", "1: there is no setting `host`.", "did you mean `hosts`?"),
        ("hosts:\n  a: {url: ssh://a, ca: b}\n", "2: host `a`: `ca` is for `tcp://`, and its URL begins with", ""),
        ("hosts:\n  a: {url: unix:///a, key: b}\n", "2: host `a`: `key` is for `tcp://`", "take it out: whoever"),
        ("hosts:\n  a: {url: context://a, key: b}\n", "2: host `a`: `key` is for `tcp://`", "take it out: a docker"),
        ("hosts:\n  a: {url: tcp://a:1, key: b}\n", "2: host `a`: it has `key` and no `certificate`.", "`certificate`"),
        ("hosts:\n  a: {url: tcp://a:1, certificate: b}\n", "2: host `a`: it has `certificate` and no `key`.", "`key`"),
    ],
)  # fmt: skip
def test_a_mistake_names_file_line_and_key(file: Path, text: str, message: str, hint: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file.parent.parent)
    assert caught.value.message.startswith(f"{file}:{message}")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("url", "message", "hint"),
    [
        ("gpu-box", f"`gpu-box` {NOT_A_URL}", "write `ssh://gpu-box`"),
        ("me@gpu-box:22", f"`me@gpu-box:22` {NOT_A_URL}", "write `ssh://me@gpu-box:22`"),
        ("/run/docker.sock", f"`/run/docker.sock` {NOT_A_URL}", "write `unix:///run/docker.sock`"),
        ("http://a:2375", f"`http://a:2375` {NOT_A_URL}", "write `tcp://a:2375`"),
        ("https://a:2376", f"`https://a:2376` {NOT_A_URL}", "write `tcp://a:2376`, with `ca`, `certificate` and `key`"),
        ("shh://a", f"`shh://a` {NOT_A_URL}", "did you mean `ssh://`?"),
        ("SSH://a", f"`SSH://a` {NOT_A_URL}", "did you mean `ssh://`?"),
        ("npipe:////./pipe/docker", f"`npipe:////./pipe/docker` {NOT_A_URL}", "it begins with `ssh://`, `tcp://`"),
        ("ssh://", f"`ssh://` {NOT_A_URL}: it names no host", "write it like `ssh://me@"),
        ("ssh://me@", f"`ssh://me@` {NOT_A_URL}: it names no host", "write it like `ssh://me@"),
        ("ssh://a:ssh", f"`ssh://a:ssh` {NOT_A_URL}: `a:ssh` is not a host with or without a port", "write it like"),
        ("ssh://a:0", f"`ssh://a:0` {NOT_A_URL}: its port is not between 1 and 65535", "write it like"),
        ("ssh://a:70000", f"`ssh://a:70000` {NOT_A_URL}: its port is not between 1 and 65535", "write it like"),
        ("ssh://-oProxyCommand=x", f"`ssh://-oProxyCommand=x` {NOT_A_URL}: `-oProxyCommand=x` is not a host", "write"),
        ("ssh://-x@a", f"`ssh://-x@a` {NOT_A_URL}: `-x` is not the name of a user", "write it like"),
        ("ssh://a?b", f"`ssh://a?b` {NOT_A_URL}: nothing stands behind `?` or `#`", "write it like"),
        ("ssh://[::1", f"`ssh://[::1` {NOT_A_URL}", "write it like"),
        ("tcp://a", f"`tcp://a` {NOT_A_URL}: it has no port", "write it like `tcp://10.0.0.7:2376`"),
        ("tcp://a:1/b", f"`tcp://a:1/b` {NOT_A_URL}: nothing stands behind the port", "write it like"),
        ("tcp://me@a:1", f"`tcp://me@a:1` {NOT_A_URL}: it names a user", "write it like"),
        ("unix://run/docker.sock", f"`unix://run/docker.sock` {NOT_A_URL}: a path that begins with `/`", "write it"),
        ("unix:///", f"`unix:///` {NOT_A_URL}: a path that begins with `/`", "write it"),
        ("context://", f"`context://` {NOT_A_URL}: the name of a docker context was expected", "write it like"),
        ("ssh://me:secret@a", "`ssh://***@a` has a password", NO_PASSWORD),
        ("tcp://me:secret@a:1", "`tcp://***@a:1` has a password", NO_PASSWORD),
        ("me:secret@a", "`***@a` has a password", NO_PASSWORD),
        ("ssh://me:se/cret@a", "`ssh://***@a` has a password", NO_PASSWORD),
        ("https://me:secret@a:1", "`https://***@a:1` has a password", NO_PASSWORD),
    ],
)  # fmt: skip
def test_what_is_not_the_url_of_an_engine_is_refused(file: Path, url: str, message: str, hint: str) -> None:
    file.write_text(f"hosts:\n  a:\n    url: '{url}'\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file.parent.parent)
    assert caught.value.message.startswith(f"{file}:3: host `a`: {message}")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(hint)
    assert "cret" not in str(caught.value)


def test_a_certificate_that_is_not_there_is_told_to_who_uses_the_host(file: Path) -> None:
    """A project's settings are shared, the keys of one user are not: the others' commands need none."""
    file.write_text(BIG)
    folder = file.parent.parent
    big = load_config(folder).hosts["big"]
    (folder / "certs").mkdir()
    (folder / "certs" / "ca.pem").touch()
    with pytest.raises(ConfigError) as caught:
        host_values.require_files(big)
    path = folder / "certs/cert.pem"
    message = f"{file}:4: host `big`: `certificate`: the file `{path}` cannot be read: No such file or directory."
    assert caught.value.message == message
    for name in ("cert.pem", "key.pem"):
        (folder / "certs" / name).touch()
    host_values.require_files(big)


# ---- writing

SHORT = {"url": "ssh://n"}
LONG = {"url": "tcp://n:1", "ca": "c a.pem", "max_workers": 3}


@pytest.mark.parametrize(
    ("before", "written", "after"),
    [
        ("", SHORT, "hosts:\n  new: ssh://n\n"),
        ("network: x  # why", SHORT, "network: x  # why\nhosts:\n  new: ssh://n\n"),
        (
            "network: x\n# the end\n",
            LONG,
            "network: x\n# the end\nhosts:\n  new:\n    url: tcp://n:1\n    ca: c a.pem\n    max_workers: 3\n",
        ),
        ("hosts:  # ours\nnetwork: x\n", SHORT, "hosts:  # ours\n  new: ssh://n\nnetwork: x\n"),
        ("hosts: {}\n", SHORT, "hosts: {new: 'ssh://n'}\n"),
        (
            "hosts: {a: ssh://a}  # ours\n",
            LONG,
            "hosts: {a: ssh://a, new: {url: 'tcp://n:1', ca: c a.pem, max_workers: 3}}  # ours\n",
        ),
        (
            "hosts:\n    # first\n    a: ssh://a  # beside\n    # behind\n\n# last\nnetwork: x\n",
            SHORT,
            "hosts:\n    # first\n    a: ssh://a  # beside\n    new: ssh://n\n    # behind\n\n# last\nnetwork: x\n",
        ),
        (
            "hosts:\n  a:\n    url: ssh://a\n    network: b  # beside",
            SHORT,
            "hosts:\n  a:\n    url: ssh://a\n    network: b  # beside\n  new: ssh://n\n",
        ),
        ("  network: x\n", SHORT, "  network: x\n  hosts:\n    new: ssh://n\n"),
        (
            "hosts:\n  a:\n    url: |-\n      ssh://a\nnetwork: x\n",
            SHORT,
            "hosts:\n  a:\n    url: |-\n      ssh://a\n  new: ssh://n\nnetwork: x\n",
        ),
    ],
)  # fmt: skip
def test_adding_a_host_keeps_the_rest_of_the_file(file: Path, before: str, written: dict, after: str) -> None:
    if before:
        file.write_text(before)
    host_files.add(file, "new", written)
    assert file.read_text() == after
    assert "new" in load_config(file.parent.parent).hosts


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("hosts:\n  old: ssh://o\n", ""),
        (
            "# ours\nhosts:\n  # the only one\n  old: ssh://o  # beside\nnetwork: x\n",
            "# ours\n  # the only one\nnetwork: x\n",
        ),
        ("hosts: {old: ssh://o}  # beside\nnetwork: x\n", "network: x\n"),
        ("hosts: {old: ssh://o, a: ssh://a}\n", "hosts: {a: ssh://a}\n"),
        ("hosts: {a: ssh://a, old: ssh://o}\n", "hosts: {a: ssh://a}\n"),
        (
            "hosts:\n  a: ssh://a  # one\n  # two\n  old:\n    url: ssh://o\n    # in\n    network: b\n  # three\n  c: ssh://c\n",
            "hosts:\n  a: ssh://a  # one\n  # two\n  # three\n  c: ssh://c\n",
        ),
        ("hosts:\n  a: ssh://a\n  old: ssh://o", "hosts:\n  a: ssh://a\n"),
    ],
)  # fmt: skip
def test_removing_a_host_keeps_the_rest_of_the_file(file: Path, before: str, after: str) -> None:
    file.write_text(before)
    host_files.remove(file, "old")
    assert file.read_text() == after


@pytest.mark.parametrize(
    "text",
    [
        "{network: x}\n",
        "network: x\n...\n",
    ],
)
def test_a_file_that_no_command_can_add_to_stays_as_it_is(file: Path, text: str) -> None:
    """YAML has more ways to be written than a command can add to."""
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        host_files.add(file, "new", LONG)
    assert caught.value.message == f"{file}: no command can change its `hosts` as they are written there."
    lines = "hosts:\n  new:\n    url: tcp://n:1\n    ca: c a.pem\n    max_workers: 3"
    assert caught.value.hint == f"write it into the file:\n\n{lines}"
    assert file.read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "hosts:\n  a: ssh://a\n  old: &one\n    url: ssh://o\n  b: *one\n",
        "{hosts: {old: ssh://o}, network: x}\n",
    ],
)
def test_a_file_that_no_command_can_remove_from_stays_as_it_is(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        host_files.remove(file, "old")
    assert caught.value.message == f"{file}: no command can change its `hosts` as they are written there."
    assert caught.value.hint == "take `old` out with an editor"
    assert file.read_text() == text

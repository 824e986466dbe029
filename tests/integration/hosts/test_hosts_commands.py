"""`dockerflow hosts check` of real hosts: by SSH and by TLS, cut off, with wrong keys, with a store out of reach."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.config import set_in_file, user_file
from tests.engines import daemons
from tests.hosts.fixtures import HostsConfig, RemoteHost, RemoteHosts
from tests.hosts.keys import ssh_key, tls_keys
from tests.integration.buckets.certificates import make
from tests.object_servers import Bucket, ObjectServer, running
from tests.unit.cli.commands import PROGRAM, Answer, dockerflow, environment

SECONDS = 60.0
LOOK_EVERY = 0.05

# What is found of a host where a run can work, in this order.
SUBJECTS = ["connection", "engine", "base image", "container", "disk", "GPUs", "store"]


@pytest.fixture
def store(minio_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> ObjectServer:
    """The server with the store of the user's runs."""
    use(minio_bucket.server, minio_bucket.name, monkeypatch)
    return minio_bucket.server


def use(server: ObjectServer, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKERFLOW_STORE", f"s3://{bucket}")
    for variable, value in server.settings().items():
        monkeypatch.setenv(variable, value)


def findings(answer: Answer) -> dict[str, dict[str, str]]:
    """Of one host, by subject."""
    [host] = json.loads(answer.stdout)
    assert host["good"] == (answer.code == 0)
    return {each["subject"]: {key: text or "" for key, text in each.items()} for each in host["findings"]}


def the_only(answer: Answer) -> dict[str, str]:
    """What is found where no more can be found."""
    assert (answer.code, answer.stderr) == (10, "")
    [finding] = findings(answer).values()
    assert (finding["subject"], finding["state"]) == ("connection", "broken")
    return finding


def check(host: RemoteHost, *words: str) -> Answer:
    return dockerflow("hosts", "check", host.name, *words)


def store_found(host: RemoteHost) -> dict[str, str]:
    """What is found of the store where nothing else is wrong."""
    answer = check(host, "--json")
    found = findings(answer)
    assert answer.stderr == ""
    assert {each["state"] for subject, each in found.items() if subject != "store"} <= {"ok", "made"}, answer.stdout
    assert answer.code == (0 if found["store"]["state"] == "ok" else 10)
    return found["store"]


WAYS = [*((kind, "ssh") for kind in daemons.KINDS), ("docker 20.10", "tls")]


@pytest.mark.parametrize(("kind", "how"), WAYS)
def test_all_that_a_run_needs_is_tried_on_a_host(
    kind: str, how: str, remote_host: RemoteHosts, hosts_config: HostsConfig, store: ObjectServer
) -> None:
    host = remote_host(kind, how).reaching(store)
    hosts_config(host)
    answer = check(host)
    assert (answer.code, answer.stderr) == (0, "")
    assert [line[9:].partition(":")[0] for line in answer.lines] == SUBJECTS
    assert {line[:9].strip() for line in answer.lines} == {"ok"}
    name = "Podman" if kind == "podman" else "Docker"
    assert answer.lines[1].startswith(f"ok       engine: {name} ")
    assert f" at `{host.settings.s3_endpoint}`, answered in " in answer.lines[6]
    wait_until_no_container_is_on(host)


def wait_until_no_container_is_on(host: RemoteHost) -> None:
    """An engine that has been told to remove one takes its time."""
    deadline = time.monotonic() + SECONDS
    while host.client.containers.list(all=True):
        assert time.monotonic() < deadline
        time.sleep(LOOK_EVERY)


def test_a_host_is_written_listed_checked_and_removed_by_commands(
    remote_host: RemoteHosts, store: ObjectServer, tmp_path: Path
) -> None:
    """With all that a host by TLS has. The commands are given where the project is."""
    host = remote_host("docker 20.10", "tls").reaching(store)
    settings = host.settings
    (tmp_path / ".dockerflow").mkdir()
    options = {
        "--ca": settings.ca,
        "--certificate": settings.certificate,
        "--key": settings.key,
        "--s3-endpoint": settings.s3_endpoint,
    }
    words = [str(word) for pair in options.items() for word in pair]
    added = dockerflow("hosts", "add", "big", settings.url, *words, cwd=tmp_path)
    assert (added.code, added.stderr) == (0, "")
    listed = dockerflow("hosts", "list", cwd=tmp_path)
    assert f"big    {settings.url}" in listed.stdout
    checked = dockerflow("hosts", "check", cwd=tmp_path)
    assert (checked.code, checked.stderr) == (0, "")
    here, there = checked.stdout.split("\n\n")
    assert here.startswith("local\nok       connection: ")
    assert there.startswith(f"big\nok       connection: `{settings.url}` answers in ")
    assert dockerflow("hosts", "remove", "big", cwd=tmp_path).code == 0
    assert "big" not in dockerflow("hosts", "list", cwd=tmp_path).stdout


def test_a_host_without_the_base_image_is_sent_it(
    remote_host: RemoteHosts, hosts_config: HostsConfig, store: ObjectServer
) -> None:
    host = remote_host("docker 20.10", empty=True).reaching(store)
    for image in host.client.images.list():
        host.client.images.remove(str(image.id), force=True)
    hosts_config(host)
    found = findings(check(host, "--json"))
    assert found["base image"]["state"] == "made"
    assert found["base image"]["text"].startswith("sent `debian:bookworm-slim` there, ")
    assert [each["state"] for each in found.values()] == ["ok", "ok", "made", "ok", "ok", "ok", "ok"]
    assert findings(check(host, "--json"))["base image"]["state"] == "ok"


def test_a_host_that_is_cut_off_is_told_in_time_and_the_others_are_looked_at(
    remote_host: RemoteHosts, hosts_config: HostsConfig, store: ObjectServer
) -> None:
    away = remote_host("docker 20.10").reaching(store)
    other = remote_host("docker 20.10", "tls", number=2).reaching(store)
    hosts_config(away, other)
    away.cut()
    answer = dockerflow("hosts", "check", away.name, other.name)
    assert (answer.code, answer.stderr) == (10, "")
    first, second = answer.stdout.split("\n\n")
    assert first.startswith(f"{away.name}\nbroken   connection: ")
    assert f"`{away.name}` cannot be reached: it does not answer" in first
    assert "\n         hint: " in first
    assert second.startswith(f"{other.name}\nok       connection: ")
    assert "broken" not in second


def test_a_host_by_tls_that_is_cut_off_is_told(remote_host: RemoteHosts, hosts_config: HostsConfig) -> None:
    host = remote_host("docker 20.10", "tls")
    hosts_config(host)
    host.cut()
    finding = the_only(check(host, "--json"))
    assert f"`{host.name}` cannot be reached: it does not answer" in finding["text"]
    assert finding["hint"]
    assert "hosts check" not in finding["hint"]  # which is what is being done


def test_a_host_whose_engine_does_not_run_is_told(remote_host: RemoteHosts, hosts_config: HostsConfig) -> None:
    host = remote_host("docker 20.10")
    hosts_config(replace(host, settings=replace(host.settings, url=f"{host.settings.url}/run/nothing.sock")))
    finding = the_only(check(host, "--json"))
    assert "/run/nothing.sock" in finding["text"]
    assert finding["hint"]


def test_a_user_whom_a_host_does_not_let_in_is_told_what_ssh_says(
    remote_host: RemoteHosts, hosts_config: HostsConfig
) -> None:
    host = remote_host("docker 20.10")
    url = f"ssh://nobody@{host.address}"
    hosts_config(replace(host, settings=replace(host.settings, url=url)))
    finding = the_only(check(host, "--json"))
    assert "Permission denied" in finding["text"]
    assert finding["hint"]


def test_a_host_whose_key_is_another_than_it_was_is_refused(
    remote_host: RemoteHosts, hosts_config: HostsConfig, users_ssh, tmp_path: Path
) -> None:
    host = remote_host("docker 20.10")
    hosts_config(host)
    known = users_ssh.known_hosts.read_text()
    other = ssh_key(tmp_path / "other")
    try:
        users_ssh.known_hosts.write_text(f"{host.address} {other}\n")
        finding = the_only(check(host, "--json"))
    finally:
        users_ssh.known_hosts.write_text(known)
    assert "its SSH key is not the one that is known of it" in finding["text"]
    assert "ssh-keygen -R" in finding["hint"]


def test_a_certificate_that_a_host_does_not_know_is_refused(
    remote_host: RemoteHosts, hosts_config: HostsConfig, tmp_path: Path
) -> None:
    host = remote_host("docker 20.10", "tls")
    tls_keys(tmp_path, host.address)
    changed = replace(host.settings, certificate=tmp_path / "client.pem", key=tmp_path / "client-key.pem")
    hosts_config(replace(host, settings=changed))
    finding = the_only(check(host, "--json"))
    assert "certificate" in finding["text"] + finding["hint"]


def test_a_host_that_another_authority_vouches_for_is_refused(
    remote_host: RemoteHosts, hosts_config: HostsConfig, tmp_path: Path
) -> None:
    host = remote_host("docker 20.10", "tls")
    tls_keys(tmp_path, host.address)
    hosts_config(replace(host, settings=replace(host.settings, ca=tmp_path / "ca.pem")))
    finding = the_only(check(host, "--json"))
    assert "certificate" in finding["text"]
    assert "`ca`" in finding["hint"]


# ---- the store


def test_a_store_on_this_machines_loopback_is_told_with_what_to_write(
    remote_host: RemoteHosts, hosts_config: HostsConfig, store: ObjectServer
) -> None:
    host = remote_host("docker 20.10")
    hosts_config(host)
    found = store_found(host)
    assert found["state"] == "broken"
    assert f"`{store.endpoint}`" in found["text"]
    assert "`s3_endpoint: http://ADDRESS:PORT`" in found["hint"]


def test_a_store_where_nothing_listens_is_told_with_what_the_container_was_told(
    remote_host: RemoteHosts, hosts_config: HostsConfig, store: ObjectServer
) -> None:
    host = remote_host("docker 20.10")
    hosts_config(replace(host, settings=replace(host.settings, s3_endpoint=f"http://{host.s3_endpoint_host}:9")))
    found = store_found(host)
    assert found["text"].endswith(f"at `http://{host.s3_endpoint_host}:9`: Connection refused")
    assert f"`s3_endpoint` of the host `{host.name}`" in found["hint"]


def test_what_answers_and_is_no_store_is_told(
    remote_host: RemoteHosts, hosts_config: HostsConfig, store: ObjectServer
) -> None:
    """A name that no container there can look up, an engine's port that answers HTTP of its own."""
    host = remote_host("docker 20.10", "tls")
    hosts_config(replace(host, settings=replace(host.settings, s3_endpoint="http://nowhere.invalid:9000")))
    assert "a container there does not reach" in store_found(host)["text"]
    hosts_config(replace(host, settings=replace(host.settings, s3_endpoint=f"http://{host.address}:2376")))
    assert "what answers there is no S3 server (HTTP 400)" in store_found(host)["text"]


def test_a_store_with_a_certificate_is_reached_by_who_trusts_it(
    remote_host: RemoteHosts, hosts_config: HostsConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = remote_host("docker 20.10")
    certificates = make(tmp_path / "certificates", f"IP:127.0.0.1,IP:{host.s3_endpoint_host}")
    with running("minio", tmp_path / "data", certificates) as server:
        use(server, "runs", monkeypatch)
        monkeypatch.setenv("DOCKERFLOW_S3_CA", str(tmp_path / "ca.pem"))
        hosts_config(host.reaching(server))
        assert store_found(host)["state"] == "ok"


def test_a_store_whose_certificate_has_another_name_is_refused(
    remote_host: RemoteHosts, hosts_config: HostsConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For this machine it has the right one: what counts is the name that containers there use."""
    host = remote_host("docker 20.10")
    certificates = make(tmp_path / "certificates", "IP:127.0.0.1")
    with running("minio", tmp_path / "data", certificates) as server:
        use(server, "runs", monkeypatch)
        monkeypatch.setenv("DOCKERFLOW_S3_CA", str(tmp_path / "ca.pem"))
        hosts_config(host.reaching(server))
        assert "its certificate is refused" in store_found(host)["text"]


def test_a_folder_is_no_store_for_a_host_and_what_to_write_is_told(
    remote_host: RemoteHosts, hosts_config: HostsConfig, tmp_path: Path
) -> None:
    host = remote_host("docker 20.10")
    hosts_config(host)
    set_in_file(user_file(), "store", str(tmp_path))
    answer = check(host)
    assert answer.code == 10
    said = answer.stdout.partition("broken   store: a folder of this machine")[2]
    assert str(tmp_path) in said
    lines = ["store: s3://BUCKET/PREFIX", "s3_endpoint: http://ADDRESS:9000"]
    assert said.splitlines()[-2:] == [f"{'':15}{line}" for line in lines]


def test_a_network_that_a_host_does_not_have_is_told(
    remote_host: RemoteHosts, hosts_config: HostsConfig, store: ObjectServer
) -> None:
    host = remote_host("docker 20.10").reaching(store)
    hosts_config(replace(host, settings=replace(host.settings, network="nowhere")))
    answer = check(host, "--json")
    finding = findings(answer)["container"]
    assert (answer.code, finding["state"]) == (10, "broken")
    assert "nowhere" in finding["text"]
    assert "network" in finding["hint"]


def test_a_check_that_is_killed_leaves_no_container(
    remote_host: RemoteHosts, hosts_config: HostsConfig, store: ObjectServer
) -> None:
    """While a container there waits for a server that takes connections and says nothing."""
    host = remote_host("docker 20.10")
    with socket.create_server((host.s3_endpoint_host, 0)) as silent:
        endpoint = f"http://{host.s3_endpoint_host}:{silent.getsockname()[1]}"
        hosts_config(replace(host, settings=replace(host.settings, s3_endpoint=endpoint)))
        silent.settimeout(SECONDS)
        with subprocess.Popen([*PROGRAM, "hosts", "check", host.name], env=environment()) as checking:
            connection, _ = silent.accept()
            checking.kill()
        with connection:
            wait_until_no_container_is_on(host)

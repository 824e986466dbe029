"""`dockerflow hosts` and `--host`, as far as they go without any host."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from dockerflow.config import user_file
from tests.unit.cli.commands import Answer, dockerflow, environment, refused

FILE = ".dockerflow/config.yaml"
LIST = "`dockerflow hosts list` tells which there are, `dockerflow hosts add NAME URL` adds one"
ADD = "hosts are called by their names, and `dockerflow hosts add NAME URL` gives one a name"


@pytest.fixture(autouse=True)
def _no_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user has no docker contexts, and nothing says which engine to use."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.delenv("DOCKER_HOST", raising=False)


def written(folder: Path, text: str) -> None:
    (folder / ".dockerflow").mkdir(exist_ok=True)
    (folder / FILE).write_text(text)


def context(folder: Path, name: str, url: str) -> None:
    path = folder / "docker" / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    path.mkdir(parents=True)
    (path / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": url}}}))


# ---- add


def test_a_host_is_written_into_the_projects_settings_and_what_comes_next_is_told(tmp_path: Path) -> None:
    written(tmp_path, "# ours\nnetwork: bridge  # as ever\n")
    (tmp_path / "flows").mkdir()
    answer = dockerflow("hosts", "add", "gpu-box", "ssh://me@gpu-box", cwd=tmp_path / "flows")
    expected = [
        f"`gpu-box` is `ssh://me@gpu-box`: {tmp_path / FILE} says so",
        "see what a run would find there: `dockerflow hosts check gpu-box`",
    ]
    assert answer == Answer(0, "\n".join([*expected, ""]), "")
    assert (tmp_path / FILE).read_text() == (
        "# ours\nnetwork: bridge  # as ever\nhosts:\n  gpu-box: ssh://me@gpu-box\n"
    )


def test_everything_that_a_host_may_have_can_be_given(tmp_path: Path) -> None:
    """Files below the project are named from there, others as they are; both from where the command is called."""
    written(tmp_path, "")
    (tmp_path / "certs").mkdir()
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / "certs" / name).touch()
    words = [
        "--ca", "ca.pem", "--certificate", "cert.pem", "--key", "../certs/key.pem", "--s3-endpoint", "http://10.0.0.5:9000/",
        "--network", "science", "--registry", "10.0.0.5:5000", "--max-workers", "8",
    ]  # fmt: skip
    answer = dockerflow("hosts", "add", "big", "tcp://10.0.0.7:2376", *words, cwd=tmp_path / "certs")
    assert (answer.code, answer.stderr) == (0, "")
    assert (tmp_path / FILE).read_text().splitlines() == [
        "hosts:",
        "  big:",
        "    url: tcp://10.0.0.7:2376",
        "    ca: certs/ca.pem",
        "    certificate: certs/cert.pem",
        "    key: certs/key.pem",
        "    s3_endpoint: http://10.0.0.5:9000",
        "    network: science",
        "    registry: 10.0.0.5:5000",
        "    max_workers: 8",
    ]


def test_a_users_host_is_for_all_projects_and_says_where_another_is_used(tmp_path: Path) -> None:
    written(tmp_path, "hosts:\n  a: ssh://project\n")
    answer = dockerflow("hosts", "add", "--user", "a", "ssh://user", cwd=tmp_path)
    assert (answer.code, answer.stderr) == (0, "")
    assert answer.lines[0] == f"`a` is `ssh://user`: {user_file()} says so"
    assert answer.lines[1] == f"here another host of that name is used, of the project's: {FILE}:2"
    assert user_file().read_text() == "hosts:\n  a: ssh://user\n"
    assert dockerflow("hosts", "add", "--user", "b", "ssh://user", cwd=tmp_path).lines[1].startswith("see what")


def test_a_name_that_is_there_is_refused_with_the_way_out(tmp_path: Path) -> None:
    written(tmp_path, "hosts:\n  a: ssh://a\n")
    error = f"there is a host `a` in `{FILE}` already"
    hint = "take another name, or remove it first: `dockerflow hosts remove a`"
    refused("hosts", "add", "a", "ssh://b", code=2, error=error, hint=hint, cwd=tmp_path)
    assert (tmp_path / FILE).read_text() == "hosts:\n  a: ssh://a\n"


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (("a", "gpu-box"), "host `a`: `gpu-box` is not the URL of a Docker engine", "write `ssh://gpu-box`"),
        (("a", "http://b:1"), "host `a`: `http://b:1` is not the URL of a Docker engine", "write `tcp://b:1`"),
        (
            ("local", "ssh://b"),
            "`local` is the engine of this machine, and cannot be the name of another host",
            "give it another name; which engine is this machine's, the setting `engine` says",
        ),
        (
            ("a b", "ssh://b"),
            "`a b` is not the name of a host",
            "use letters, digits, `-`, `_` and `.`, a letter or digit first",
        ),
        (
            ("a", "tcp://b:1", "--key", "k"),
            "host `a`: it has `key` and no `certificate`",
            "`certificate`: your certificate, in PEM, for a `tcp://` engine",
        ),
        (
            ("a", "tcp://b:1", "--ca", "/nowhere/ca.pem"),
            "host `a`: `ca`: the file `/nowhere/ca.pem` cannot be read: No such file or directory",
            "`ca`: the certificates, in PEM, that a `tcp://` engine's own must be signed by; put the file there, or "
            "name another one",
        ),
        (
            ("a", "ssh://b", "--registry", "https://c"),
            "host `a`: `https://c` is not a registry",
            "write it like `10.0.0.5:5000` or `host/prefix`",
        ),
        (
            ("a", "ssh://b", "--max-workers", "0"),
            "invalid value for `--max-workers`: it must be 1 or more",
            "`dockerflow hosts add --help` shows how it is used",
        ),
    ],
)
def test_what_cannot_be_a_host_is_refused_and_nothing_written(
    tmp_path: Path, words: tuple[str, ...], error: str, hint: str
) -> None:
    refused("hosts", "add", *words, code=2, error=error, hint=hint, cwd=tmp_path)
    assert not (tmp_path / ".dockerflow").exists()


def test_a_mistake_in_the_settings_is_told_before_they_are_written(tmp_path: Path) -> None:
    written(tmp_path, "hosts:\n  a:\n    ulr: ssh://a\n")
    error = f"{tmp_path / FILE}:3: host `a`: there is no key `ulr`."
    refused("hosts", "add", "b", "ssh://b", code=9, error=error, hint="did you mean `url`?", cwd=tmp_path)


# ---- list


def test_hosts_are_listed_with_where_they_are_written(tmp_path: Path) -> None:
    user_file().parent.mkdir(parents=True)
    user_file().write_text("hosts:\n  mine: ssh://mine\n  a: ssh://mine\n")
    written(tmp_path, "engine: unix:///run/docker.sock\nhosts:\n  a: ssh://a\n")
    context(tmp_path, "desktop", "unix:///run/desktop.sock")
    context(tmp_path, "a", "ssh://other")
    context(tmp_path, "windows", "npipe:////./pipe/docker")
    answer = dockerflow("hosts", "list", cwd=tmp_path)
    assert (answer.code, answer.stderr) == (0, "")
    assert [line.split(maxsplit=2) for line in answer.lines] == [
        ["host", "url", "from"],
        ["local", "unix:///run/docker.sock", f"{FILE}:1"],
        ["mine", "ssh://mine", f"{user_file()}:2"],
        ["a", "ssh://a", f"{FILE}:3"],
        ["desktop", "unix:///run/desktop.sock", "docker context"],
    ]
    assert json.loads(dockerflow("hosts", "list", "--json", cwd=tmp_path).stdout) == [
        {"name": "local", "url": "unix:///run/docker.sock", "source": f"{tmp_path / FILE}:1"},
        {"name": "mine", "url": "ssh://mine", "source": f"{user_file()}:2"},
        {"name": "a", "url": "ssh://a", "source": f"{tmp_path / FILE}:3"},
        {"name": "desktop", "url": "unix:///run/desktop.sock", "source": "docker context"},
    ]


def test_without_hosts_there_is_this_machine(tmp_path: Path) -> None:
    answer = dockerflow("hosts", "list", cwd=tmp_path)
    assert [line.split() for line in answer.lines[1:]] == [["local", "docker's", "own", "default", "this", "machine"]]
    answer = dockerflow("hosts", "list", "--json", cwd=tmp_path, DOCKER_HOST="tcp://a:1")
    assert json.loads(answer.stdout) == [{"name": "local", "url": "tcp://a:1", "source": "DOCKER_HOST"}]


# ---- remove


def test_a_host_is_taken_out_of_the_file_that_has_it(tmp_path: Path) -> None:
    user_file().parent.mkdir(parents=True)
    user_file().write_text("hosts:\n  a: ssh://mine\n")
    written(tmp_path, "# ours\nhosts:\n  a: ssh://a  # the first\n  b: ssh://b\n")
    answer = dockerflow("hosts", "remove", "a", cwd=tmp_path)
    expected = [f"took `a` out of {FILE}", f"`a` is now `ssh://mine`: {user_file()}:2"]
    assert answer == Answer(0, "\n".join([*expected, ""]), "")
    assert (tmp_path / FILE).read_text() == "# ours\nhosts:\n  b: ssh://b\n"
    assert dockerflow("hosts", "remove", "a", cwd=tmp_path) == Answer(0, f"took `a` out of {user_file()}\n", "")
    assert user_file().read_text() == ""


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (("gpubox",), "there is no host `gpubox`", f"did you mean `gpu-box`? {LIST}"),
        (("zzzz",), "there is no host `zzzz`", LIST),
        (
            ("local",),
            "`local` is the engine of this machine, and stands in no file",
            "the setting `engine` says which it is",
        ),
        (
            ("desktop",),
            "`desktop` is a docker context, and stands in no file",
            "`docker context rm desktop` removes it",
        ),
        (("--user", "gpu-box"), "`gpu-box` is not in your own settings", f"it is in {FILE}:2"),
    ],
)
def test_what_stands_in_no_file_cannot_be_removed(
    tmp_path: Path, words: tuple[str, ...], error: str, hint: str
) -> None:
    written(tmp_path, "hosts:\n  gpu-box: ssh://a\n")
    context(tmp_path, "desktop", "ssh://b")
    refused("hosts", "remove", *words, code=2, error=error, hint=hint, cwd=tmp_path)


# ---- check


def test_a_name_that_is_no_hosts_is_not_checked(tmp_path: Path) -> None:
    written(tmp_path, "hosts:\n  gpu-box: ssh://a\n")
    hint = f"did you mean `gpu-box`? {LIST}"
    for named in ("gpubox", "gpu-box,gpubox"):
        refused("hosts", "check", named, code=9, error="there is no host `gpubox`", hint=hint, cwd=tmp_path)


def test_a_url_in_place_of_a_name_is_told_how_it_gets_one(tmp_path: Path) -> None:
    error = "`ssh://***@a` is not the name of a host"
    refused("hosts", "check", "ssh://me:secret@a", code=9, error=error, hint=ADD, cwd=tmp_path)
    refused("run", "nope.py", "--host", "ssh://me:secret@a", code=2, error=error, hint=ADD, cwd=tmp_path)


def test_what_keeps_a_host_from_being_reached_is_told_with_what_to_do(tmp_path: Path) -> None:
    """Of a socket where nothing listens, and a certificate that is not there. Each host is told by its name."""
    nothing = tmp_path / "nothing.sock"
    written(
        tmp_path,
        f"hosts:\n  a: unix://{nothing}\n  b:\n    url: tcp://127.0.0.1:9\n    ca: ca.pem\n",
    )
    answer = dockerflow("hosts", "check", "a", "b", cwd=tmp_path)
    assert (answer.code, answer.stderr) == (10, "")
    first, second = answer.stdout.split("\n\n")
    assert first.startswith("a\nbroken   connection: ")
    assert str(nothing) in first
    assert "\n         hint: " in first
    assert second.startswith(
        f"b\nbroken   connection: {tmp_path / FILE}:3: host `b`: `ca`: the file `{tmp_path / 'ca.pem'}` cannot be read"
    )
    [one, other] = json.loads(dockerflow("hosts", "check", "--json", "a", "b", cwd=tmp_path).stdout)
    assert (one["name"], one["url"], one["good"]) == ("a", f"unix://{nothing}", False)
    [finding] = other["findings"]
    assert (finding["subject"], finding["state"]) == ("connection", "broken")
    assert set(finding) == {"subject", "state", "text", "hint"}


# ---- run and resume


@pytest.mark.parametrize("command", ["run", "resume"])
def test_a_host_that_is_not_there_is_answered_with_the_nearest_before_the_flow_is_read(
    tmp_path: Path, command: str
) -> None:
    written(tmp_path, "hosts:\n  gpu-box: ssh://a\n")
    hint = f"did you mean `gpu-box`? {LIST}"
    refused(
        command, "nope.py", "--host", "local,gpubox", code=2, error="there is no host `gpubox`", hint=hint, cwd=tmp_path
    )


def test_hosts_are_no_choice_where_steps_run_without_containers(folder: Path) -> None:
    error = "`--engine process` runs steps in this Python, and `--host` names Docker hosts"
    words = ("run", "hello.py", "--engine", "process", "--host", "local")
    refused(*words, code=2, error=error, hint="leave one of them out", cwd=folder)


def test_an_empty_name_is_refused(folder: Path) -> None:
    hint = "name hosts with commas between, as `--host a,b`"
    refused("run", "hello.py", "--host", "local,", code=2, error="`--host` has an empty name", hint=hint, cwd=folder)


def test_a_flow_that_python_runs_takes_hosts_as_well(folder: Path) -> None:
    """In both places where Metaflow's options stand; a flow has no commands for hosts."""
    with (folder / "hello.py").open("a") as stream:
        stream.write("\n\nif __name__ == '__main__':\n    Hello()\n")
    code = "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    for words in (["--host", "nowhere", "run"], ["run", "--host", "nowhere"], ["resume", "--attach", "--host=nowhere"]):
        done = python(code, "hello.py", *words, cwd=folder)
        assert (done.code, done.stdout) == (2, "")
        assert done.stderr.startswith("error: there is no host `nowhere`\n")
    assert "hosts" not in python(code, "hello.py", "help", cwd=folder).stdout.split("Commands:")[1].split()


def python(code: str, *words: str, cwd: Path) -> Answer:
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=cwd, env=environment(), capture_output=True, text=True, timeout=120
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("dockerflow run hello.py --host ", ["local", "big", "gpu-box", "desktop"]),
        ("dockerflow resume hello.py --host g", ["gpu-box"]),
        ("dockerflow run hello.py --host big,", ["big,local", "big,gpu-box", "big,desktop"]),
        ("dockerflow hosts check gpu", ["gpu-box"]),
        ("dockerflow hosts remove b", ["big"]),
    ],
)
def test_completion_knows_the_hosts(folder: Path, words: str, completed: list[str]) -> None:
    written(folder, "hosts:\n  big: ssh://a\n  gpu-box: ssh://b\n")
    context(folder, "desktop", "unix:///run/desktop.sock")
    count = str(len(words.split(" ")) - 1)
    answer = dockerflow(cwd=folder, _DOCKERFLOW_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=count)
    assert answer.stdout.split() == completed


def test_completion_says_nothing_of_settings_that_are_wrong(folder: Path) -> None:
    written(folder, "hosts: 5\n")
    words = "dockerflow run hello.py --host "
    answer = dockerflow(cwd=folder, _DOCKERFLOW_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD="4")
    assert (answer.stdout.split(), answer.stderr) == ([], "")

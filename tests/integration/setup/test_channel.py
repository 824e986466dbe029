"""The local channel: a solver finds consistent sets in it, and what is installed from it runs in a bare container."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
import rattler

from dockerflow.setup import archive, interpreter, python_package
from dockerflow.setup.channel import LocalChannel, Request, this_subdir
from dockerflow.setup.errors import ChannelNotMade
from dockerflow.setup.interpreter import Interpreter
from tests.channel import PANDAS_NEW, PANDAS_OLD, PYTHON, REQUESTS, as_tar_bz2, with_python
from tests.conftest import BASE_IMAGE
from tests.containers import printed

PREFIX = "/opt/env"

# Each needs a shared library that a minimal Debian does not have, or has in another version.
IMPORTS = "bz2, ctypes, curses, decimal, hashlib, lzma, multiprocessing, pyexpat, readline, sqlite3, ssl, uuid, zlib"


@dataclass(frozen=True)
class Environment:
    """An environment that py-rattler's own installer made from a channel."""

    folder: Path
    versions: dict[str, str]


def installed(channel: LocalChannel, folder: Path, *specs: str) -> Environment:
    """Solve and install; packages are found in the channel's folder alone."""
    return asyncio.run(_installed(channel, folder, specs))


async def _installed(channel: LocalChannel, folder: Path, specs: tuple[str, ...]) -> Environment:
    records = await rattler.solve(
        sources=[rattler.Channel(channel.url)],
        specs=list(specs),
        gateway=rattler.Gateway(),
        platforms=[this_subdir(), "noarch"],
        virtual_packages=[],
    )
    await rattler.install(records, target_prefix=folder, cache_dir=folder.with_name("packages"))
    return Environment(folder, {record.name.normalized: str(record.version) for record in records})


def run(client: docker.DockerClient, environment: Environment, *command: str) -> str:
    """Run a command of the environment in a bare container without network; what it prints."""
    volumes = {str(environment.folder): {"bind": PREFIX, "mode": "ro"}}
    return printed(client, BASE_IMAGE, command, stderr=True, network_mode="none", volumes=volumes).strip()


def python(client: docker.DockerClient, environment: Environment, code: str) -> str:
    return run(client, environment, f"{PREFIX}/bin/python", "-W", "error", "-c", code)


@pytest.fixture(scope="module")
def old(test_channel: LocalChannel, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("old") / "env"
    return installed(test_channel, folder, f"python {PYTHON}.*", f"pandas =={PANDAS_OLD}")


@pytest.fixture(scope="module")
def new(test_channel: LocalChannel, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("new") / "env"
    return installed(test_channel, folder, f"python {PYTHON}.*", f"pandas =={PANDAS_NEW}")


def test_what_was_built_against_numpy_1_gets_numpy_1(old: Environment, new: Environment) -> None:
    assert old.versions["numpy"].startswith("1.")
    assert new.versions["numpy"].startswith("2.")


def test_each_pandas_runs_in_a_bare_container(
    docker_client: docker.DockerClient, old: Environment, new: Environment
) -> None:
    code = "import pandas; print(pandas.__version__, pandas.DataFrame({'a': [1, 2]}).a.sum())"
    assert python(docker_client, old, code) == f"{PANDAS_OLD} 3"
    assert python(docker_client, new, code) == f"{PANDAS_NEW} 3"


def test_python_finds_its_own_prefix(docker_client: docker.DockerClient, new: Environment) -> None:
    assert python(docker_client, new, "import sys; print(sys.prefix, sys.base_prefix)") == f"{PREFIX} {PREFIX}"


def test_a_console_script_of_a_platform_wheel_starts_with_the_environments_python(new: Environment) -> None:
    assert (new.folder / "bin" / "f2py").read_text().startswith(f"#!{new.folder}/bin/python\n")


def test_no_placeholder_is_left_after_an_installation(new: Environment) -> None:
    left = [
        path
        for path in new.folder.rglob("*")
        if path.is_file() and "conda-meta" not in path.parts and b"/opt/placeholder_" in path.read_bytes()
    ]
    assert left == []


@pytest.fixture(scope="module", params=[sys.executable, "/usr/bin/python3"], ids=["the one that runs", "the system's"])
def base(request: pytest.FixtureRequest) -> Interpreter:
    found = interpreter.ask(request.param)
    if found is None:
        pytest.skip(f"there is no {request.param} on this machine")
    return found


@pytest.fixture(scope="module")
def bare(base: Interpreter, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment of the Python of this machine alone, whatever its build."""
    folder = tmp_path_factory.mktemp("bare")
    channel = LocalChannel(folder / "channel")
    archive.write(python_package.package(base, this_subdir()), channel.folder)
    channel.index()
    return installed(channel, folder / "env", "python")


def test_every_library_that_python_uses_is_carried_along(docker_client: docker.DockerClient, bare: Environment) -> None:
    assert python(docker_client, bare, f"import {IMPORTS}; print(ssl.OPENSSL_VERSION[:7])") == "OpenSSL"


def test_the_standard_library_comes_compiled_and_python_says_its_version(
    docker_client: docker.DockerClient, bare: Environment
) -> None:
    code = "import json, sys; print(json.__cached__, '%d.%d.%d' % sys.version_info[:3], sys.version.split()[0])"
    cached, info, version = python(docker_client, bare, code).split()
    assert (bare.folder / cached.removeprefix(f"{PREFIX}/")).is_file()
    assert info == version == bare.versions["python"]


def test_packages_are_found_where_the_index_says(docker_client: docker.DockerClient, bare: Environment) -> None:
    record = json.loads(next(bare.folder.glob("conda-meta/python-*.json")).read_text())
    site_packages = bare.folder / record["python_site_packages_path"]
    site_packages.mkdir(parents=True, exist_ok=True)
    (site_packages / "found_here.py").write_text("")
    assert python(docker_client, bare, "import found_here; print('found')") == "found"


def test_a_compiled_standard_library_needs_no_writing(docker_client: docker.DockerClient, bare: Environment) -> None:
    assert python(docker_client, bare, "import sysconfig; print(sysconfig.get_config_var('TZPATH') is not None)")


def test_the_same_python_gives_the_same_package(tmp_path: Path) -> None:
    made = [
        archive.write(python_package.package(interpreter.matching(""), this_subdir()), tmp_path / name).read_bytes()
        for name in ("first", "second")
    ]
    assert made[0] == made[1]


def test_what_is_there_is_not_made_again(test_channel: LocalChannel) -> None:
    before = {path: path.stat().st_mtime_ns for path in test_channel.folder.rglob("*") if path.name != ".lock"}
    assert test_channel.missing(REQUESTS) == []
    assert test_channel.add(REQUESTS) == []
    after = {path: path.stat().st_mtime_ns for path in test_channel.folder.rglob("*") if path.name != ".lock"}
    assert after == before


def test_a_package_that_was_removed_is_made_again_with_the_same_bytes(
    test_channel: LocalChannel, tmp_path: Path
) -> None:
    channel = with_python(tmp_path / "channel", test_channel)
    request = Request(PYTHON, (("six", "1.16.0"),))
    assert channel.add([request, request]) == [request]
    package = tmp_path / "channel" / "noarch" / "six-1.16.0-py_0.conda"
    before = package.read_bytes()
    package.unlink()
    assert channel.missing([request]) == [request]
    channel.add([request])
    assert package.read_bytes() == before


def test_a_package_that_is_not_on_pypi_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(ChannelNotMade, match=r"PyPI has no wheels for `six==99\.0`: ") as caught:
        LocalChannel(tmp_path).add([Request(PYTHON, (("six", "99.0"),))])
    assert "\n" not in caught.value.message
    assert caught.value.hint is not None


def test_pypi_that_does_not_answer_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"INDEX_URL": "http://127.0.0.1:9/simple", "RETRIES": "1", "CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    with pytest.raises(ChannelNotMade, match="PyPI does not answer; it was asked for `six`") as caught:
        LocalChannel(tmp_path).add([Request(PYTHON, (("six", ""),))])
    assert "\n" not in caught.value.message
    assert not (tmp_path / "made.json").exists()


def test_what_was_made_before_an_error_stays(test_channel: LocalChannel, tmp_path: Path) -> None:
    channel, first = with_python(tmp_path, test_channel), Request(PYTHON, ())
    with pytest.raises(ChannelNotMade):
        channel.add([first, Request(PYTHON, (("six", "99.0"),))])
    assert channel.missing([first]) == []
    assert installed(channel, tmp_path / "env", "python").versions.keys() == {"python"}


def test_a_package_can_be_had_in_the_older_format(test_channel: LocalChannel, tmp_path: Path) -> None:
    conda = next((test_channel.folder / "noarch").glob("tabulate-*.conda"))
    older = as_tar_bz2(conda, tmp_path)
    metadata = rattler.IndexJson.from_package_archive(older)
    assert metadata.name.normalized == "tabulate"

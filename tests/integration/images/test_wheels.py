"""Real wheels in step images on a real engine, beside the conda packages of the tests' channel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.images.errors import PackageError
from dockerflow.images.image import StepImage
from dockerflow.images.load import is_present
from dockerflow.images.packages import PackageCache
from dockerflow.images.provide import ImageProvider
from dockerflow.progress import Event
from dockerflow.setup.channel import LocalChannel
from tests.channel import PYTHON
from tests.conftest import BASE_IMAGE
from tests.containers import AS_A_STEP, printed
from tests.integration.images import real_wheels
from tests.integration.images.real_wheels import named
from tests.unit.images import installed_wheel
from tests.unit.images.made_wheel import MadeWheel, WheelEntry

ASKED = ("docutils", "greenlet", "jupyter-core", "jupyterlab-widgets", "numpy", "pandas", "scikit-learn")

# Every file of every library from a wheel is what the library's RECORD says.
CHECK_RECORDS = """
import base64, hashlib, importlib.metadata as metadata, json, sys
found = {}
for one in metadata.distributions():
    for file in one.files or ():
        data = file.locate().read_bytes()
        if file.hash and one.read_text("INSTALLER") == "dockerflow\\n":
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert (file.hash.mode, file.hash.value, file.size) == ("sha256", digest, len(data)), file
    found[one.metadata["Name"].lower()] = [
        one.version, one.read_text("INSTALLER"), one.read_text("REQUESTED") is not None, len(one.files or ()),
        sorted(point.name for point in one.entry_points if point.group == "console_scripts"),
    ]
json.dump(found, sys.stdout)
"""

WORK = """
import json, sys
import greenlet, numpy, pandas, sklearn.linear_model
frame = pandas.DataFrame({"a": [1, 2, 3], "b": [2, 4, 6]})
model = sklearn.linear_model.LinearRegression().fit(frame[["a"]], frame["b"])
flags = [int.from_bytes(open(one.__cached__, "rb").read(8)[4:], "little") for one in (pandas, numpy, sklearn)]
said = greenlet.greenlet(lambda: "switched").switch()
json.dump([round(float(model.predict(frame[["a"]])[2]), 6), flags, said, pandas.__file__], sys.stdout)
"""


@pytest.fixture(scope="module")
def wheels() -> tuple[LockedPackage, ...]:
    return real_wheels.resolved()


@pytest.fixture(scope="module")
def lock(test_channel: LocalChannel, wheels: tuple[LockedPackage, ...]) -> Lock:
    """conda's Python and everything else as wheels from this machine's disk."""
    return with_wheels(conda(test_channel), [on_disk(wheel) for wheel in wheels])


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@pytest.fixture(scope="module")
def image(docker_client: DockerClient, cache: Path, lock: Lock) -> Iterator[StepImage]:
    provided = provide(docker_client, cache, lock)
    yield provided
    forget(docker_client, provided)


def conda(channel: LocalChannel, *libraries: tuple[str, str]) -> Lock:
    return solve(EnvironmentSpec(PYTHON, libraries, (channel.url,), "linux-64"))


def with_wheels(lock: Lock, wheels: list[LockedPackage]) -> Lock:
    return replace(lock, packages=(*lock.packages, *wheels), requested=tuple(sorted({*lock.requested, *ASKED})))


def on_disk(wheel: LockedPackage) -> LockedPackage:
    return replace(wheel, url=real_wheels.kept().fetch(wheel).as_uri())


def provide(client: DockerClient, cache: Path, lock: Lock) -> StepImage:
    events: list[Event] = []
    return ImageProvider(client, BASE_IMAGE, cache).provide(lock, events.append, ("step",))


def run(client: DockerClient, image: StepImage, *command: str) -> str:
    return printed(client, image.reference, command, **AS_A_STEP)


def python(client: DockerClient, image: StepImage, program: str) -> Any:
    return json.loads(run(client, image, "python", "-c", program))


def forget(client: DockerClient, *images: StepImage) -> None:
    for image in images:
        if is_present(client, image):
            client.images.remove(image.reference, force=True)


@pytest.mark.parametrize("name", ASKED)
def test_a_real_wheel_s_layer_has_what_uv_installs(
    tmp_path: Path, wheels: tuple[LockedPackage, ...], name: str
) -> None:
    wheel = named(wheels, name)
    installed_wheel.check(tmp_path, wheel, real_wheels.kept().fetch(wheel))


def test_libraries_from_wheels_work_and_are_imported_from_bytecode(
    docker_client: DockerClient, image: StepImage
) -> None:
    predicted, flags, said, path = python(docker_client, image, WORK)
    assert (predicted, said) == (6.0, "switched")
    assert flags == [0b01] * 3, "by hash, unchecked (PEP 552)"
    assert path == f"/opt/env/lib/python{PYTHON}/site-packages/pandas/__init__.py"


def test_python_s_own_tools_see_the_wheels_as_they_are(
    docker_client: DockerClient, image: StepImage, wheels: tuple[LockedPackage, ...]
) -> None:
    found = python(docker_client, image, CHECK_RECORDS)
    for wheel in wheels:
        name = next(name for name in found if name.replace("_", "-").replace(".", "-") == wheel.name)
        version, installer, requested, files, _ = found[name]
        assert (version, installer, requested) == (wheel.version, "dockerflow\n", wheel.name in ASKED), wheel.name
        assert files > 4
    assert found["jupyter_core"][-1] == ["jupyter", "jupyter-migrate", "jupyter-troubleshoot"]


def test_console_scripts_run_and_data_files_and_headers_are_in_their_places(
    docker_client: DockerClient, image: StepImage
) -> None:
    assert "/opt/env/share/jupyter" in run(docker_client, image, "jupyter", "--paths")
    assert "Docutils 0.17.1" in run(docker_client, image, "rst2html.py", "--version")
    data = "/opt/env/share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager/package.json"
    assert json.loads(run(docker_client, image, "cat", data))["version"] == "5.0.13"
    assert "greenlet" in run(docker_client, image, "cat", f"/opt/env/include/python{PYTHON}/greenlet/greenlet.h")


def test_wheels_lie_upon_what_the_environment_is_without_them(
    docker_client: DockerClient, cache: Path, test_channel: LocalChannel, image: StepImage
) -> None:
    alone = provide(docker_client, cache, replace(conda(test_channel), requested=("not-there",)))  # nobody else's image
    forget(docker_client, alone)
    assert image.layers[: len(alone.layers)] == alone.layers
    titles = [layer.title for layer in image.layers if not layer.title.startswith("bytecode of")]
    assert titles[3] == "scipy 1.17.1", "the big one that nobody asked for"
    assert {title.rsplit(" ", 1)[0] for title in titles[-7:]} == set(ASKED)


def test_the_same_wheels_from_elsewhere_give_the_same_image(
    docker_client: DockerClient, tmp_path: Path, test_channel: LocalChannel, wheels: tuple[LockedPackage, ...]
) -> None:
    few = [on_disk(named(wheels, name)) for name in ("docutils", "jupyterlab-widgets", "traitlets")]
    below = conda(test_channel)
    images = [
        provide(docker_client, tmp_path / "one", with_wheels(below, few)),
        provide(docker_client, tmp_path / "other", with_wheels(below, [_moved(wheel, tmp_path) for wheel in few])),
    ]
    assert images[0].config_digest == images[1].config_digest
    assert images[0].manifest_digest == images[1].manifest_digest
    forget(docker_client, images[0])


def _moved(wheel: LockedPackage, folder: Path) -> LockedPackage:
    target = folder / wheel.file_name
    target.write_bytes(Path(wheel.url.removeprefix("file://")).read_bytes())
    return replace(wheel, url=f"{target.as_uri()}#sha256={wheel.sha256}")


def test_wheels_use_what_conda_brings(
    docker_client: DockerClient, cache: Path, test_channel: LocalChannel, wheels: tuple[LockedPackage, ...]
) -> None:
    below = conda(test_channel, ("numpy", "1.26.4"))
    needed = [on_disk(named(wheels, name)) for name in ("pandas", "python-dateutil", "pytz", "tzdata")]
    image = provide(docker_client, cache, with_wheels(below, needed))
    program = "import json, numpy, pandas; print(json.dumps([numpy.__version__, pandas.Series([1, 2]).sum().item()]))"
    assert python(docker_client, image, program) == ["1.26.4", 3]
    records = python(docker_client, image, CHECK_RECORDS)
    assert (records["numpy"][1], records["pandas"][1]) == ("conda\n", "dockerflow\n")
    forget(docker_client, image)


def test_what_a_spec_of_both_worlds_is_solved_to_is_built(
    docker_client: DockerClient, cache: Path, test_channel: LocalChannel
) -> None:
    """From the real index, resolved by uv on top of conda's packages."""
    asked = ("jupyter-core==5.7.2", "pandas==2.2.3")
    spec = EnvironmentSpec(PYTHON, (("numpy", "1.26.4"),), (test_channel.url,), "linux-64", pypi=asked)
    image = provide(docker_client, cache, solve(spec))
    titles = [layer.title for layer in image.layers if not layer.title.startswith("bytecode of")]
    assert titles[-2:] == ["pandas 2.2.3", "jupyter-core 5.7.2"], "big ones first"
    program = "import json, numpy, pandas; print(json.dumps([numpy.__version__, pandas.__version__]))"
    assert python(docker_client, image, program) == ["1.26.4", "2.2.3"]
    assert "5.7.2" in run(docker_client, image, "jupyter", "--version")
    forget(docker_client, image)


def test_a_library_of_conda_and_the_same_as_a_wheel_are_refused(
    docker_client: DockerClient, cache: Path, test_channel: LocalChannel, wheels: tuple[LockedPackage, ...]
) -> None:
    below = conda(test_channel, ("numpy", "1.26.4"))
    with pytest.raises(PackageError, match=r"`numpy` and `numpy` \(a wheel\) clash: both bring the library `numpy`"):
        provide(docker_client, cache, with_wheels(below, [on_disk(named(wheels, "numpy"))]))


@pytest.mark.parametrize("rest", ["", "#sha256=0", "#egg=x/y"])
def test_a_wheel_is_fetched_from_the_index_whatever_its_url_says_besides(
    tmp_path: Path, wheels: tuple[LockedPackage, ...], rest: str
) -> None:
    wheel = named(wheels, "threadpoolctl")
    assert wheel.url.startswith("https://")
    escaped = wheel.url.replace("threadpoolctl", "%74hreadpoolctl")
    packages = PackageCache(tmp_path)
    path = packages.fetch(replace(wheel, url=escaped + rest))
    assert path.name == wheel.file_name
    assert packages.find(wheel) == path


def test_commands_that_wheels_bring_run_under_the_environment_s_python(
    docker_client: DockerClient, cache: Path, test_channel: LocalChannel, tmp_path: Path
) -> None:
    program = b"import sys; print(sys.prefix, sys.argv[1:], *sys.orig_argv[1:2])\n"
    made = MadeWheel(
        "made",
        {
            "made.py": WheelEntry(
                b"class Main:\n    @staticmethod\n    def run(): import sys; return print(sys.argv)\n"
            ),
            "{data}/scripts/old-style": WheelEntry(b"#!pythonw -E\n" + program),
            "\u00fcml\u00e4ut.py": WheelEntry(b"x = 1\n"),
        },
        entry_points="[console_scripts]\nmade-it = made:Main.run [extra]\n[gui_scripts]\nmade-gui = made:Main.run\n",
    )
    image = provide(docker_client, cache, with_wheels(conda(test_channel), [made.locked(tmp_path)]))
    assert run(docker_client, image, "made-it", "a b") == "['/opt/env/bin/made-it', 'a b']\n"
    assert run(docker_client, image, "made-gui") == "['/opt/env/bin/made-gui']\n"
    assert run(docker_client, image, "old-style", "x") == "/opt/env ['x'] /opt/env/bin/old-style\n"
    assert run(docker_client, image, "python", "-c", "import \u00fcml\u00e4ut; print(\u00fcml\u00e4ut.x)") == "1\n"
    forget(docker_client, image)

"""What a step's decorators become."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.environments.spec import EnvironmentSpec, GivenImage, GivenLock
from dockerflow.flow.definition import Conda, Image, Pypi
from tests.unit.environments.asking import asked, environment, refused


def test_a_step_without_libraries_asks_for_no_python_of_its_own() -> None:
    """Who runs the flow says which one it gets."""
    assert asked() == EnvironmentSpec("", (), ("conda-forge",), "linux-64")
    assert asked().with_python.python


@pytest.mark.parametrize("disabled", [(True, False), (False, True), (True, True)])
def test_disabled_in_either_kind_is_without_libraries(disabled: tuple[bool, bool]) -> None:
    conda = Conda(libraries=(("pandas", "1.5.3"),), python="3.9", disabled=disabled[0])
    assert asked(conda, Pypi((("numpy", ""),), disabled=disabled[1])) == asked()


def test_a_lock_and_an_image_are_taken_as_they_are(tmp_path: Path) -> None:
    lock = tmp_path / "conda-lock.yml"
    assert environment(Conda(lock=str(lock))) == GivenLock(lock, "linux-64")
    assert environment(Image("debian:bookworm")) == GivenImage("debian:bookworm")
    assert asked(Conda(lock=str(lock), disabled=True)) == asked()


def test_libraries_and_python_are_kept_as_written() -> None:
    conda = Conda(libraries=(("pandas", ">=1.5,<2"), ("numpy", "")), python="3.10")
    assert asked(conda) == EnvironmentSpec(
        "3.10", (("numpy", ""), ("pandas", ">=1.5,<2")), ("conda-forge",), "linux-64"
    )


def test_the_order_of_libraries_and_their_case_do_not_change_the_spec() -> None:
    one = asked(Conda(libraries=(("Pandas", "1.5.3"), ("numpy", "1.26"))))
    other = asked(Conda(libraries=(("numpy", "1.26"), ("pandas", " 1.5.3 "))))
    assert one.spec_hash == other.spec_hash


def test_a_steps_channels_go_before_the_configured_ones() -> None:
    assert asked(Conda(channels=("bioconda", "conda-forge"))).channels == ("bioconda", "conda-forge")
    assert asked(Conda(channels=("bioconda",))).channels == ("bioconda", "conda-forge")


def test_a_library_may_name_its_channel() -> None:
    spec = asked(Conda(libraries=(("pytorch::PyTorch", "2.0"),)))
    assert spec.libraries == (("pytorch::pytorch", "2.0"),)
    assert spec.channels == ("conda-forge", "pytorch")


def test_python_among_the_libraries_is_the_python() -> None:
    spec = asked(Conda(libraries=(("python", "3.9"), ("numpy", ""))))
    assert (spec.python, spec.libraries) == ("3.9", (("numpy", ""),))
    assert asked(Pypi((("python", "==3.9.*"),))).python == "3.9.*"


def test_a_folder_as_channel_is_its_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert asked(channels=("./channel",)).channels == (f"{tmp_path.as_uri()}/channel",)
    assert asked(channels=(str(tmp_path),)).channels == (tmp_path.as_uri(),)


def test_a_bad_version_names_step_place_package_and_text() -> None:
    error = refused(Conda(libraries=(("pandas", ">=1.5 <2"),)))
    for part in ("step `train`", "flow.py:12", "`pandas`", "`>=1.5 <2`"):
        assert part in error.message
    assert error.hint is not None
    assert ">=1.5,<2" in error.hint


def test_a_version_that_is_a_number_is_asked_to_be_quoted() -> None:
    error = refused(Conda(libraries=(("pandas", 1.5),)))  # type: ignore[arg-type]
    assert error.hint == 'put it in quotes: "1.5"'


def test_a_bad_python_is_refused_like_a_bad_library() -> None:
    assert "`python` in version `latest`" in refused(Conda(python="latest")).message


def test_one_library_twice_is_refused() -> None:
    error = refused(Conda(libraries=(("conda-forge::numpy", "1.26"), ("NumPy", "2.0"))))
    assert "`numpy` twice" in error.message


@pytest.mark.parametrize(
    ("pythons", "merged"),
    [
        (("3.11", None), "3.11"),
        ((None, "3.11"), "3.11"),
        (("3.11", ">=3.9"), "3.11"),
        (("3.11.4", "3.11"), "3.11.4"),
        ((">=3.9,<3.12", "3.11"), "3.11"),
        (("3", ">=3.9"), ">=3.9"),
        (("3.11", ">=3.11.2"), "3.11.*,>=3.11.2"),
        (("<3.12", ">=3.9"), "<3.12,>=3.9"),
    ],
)
def test_pythons_named_in_two_places_narrow_each_other(pythons: tuple[str | None, str | None], merged: str) -> None:
    assert asked(Conda(python=pythons[0]), Pypi(python=pythons[1])).python == merged


@pytest.mark.parametrize(
    ("conda", "pypi", "places"),
    [
        (
            Conda(libraries=(("python", "3.9"),), python="3.10"),
            Pypi(),
            ("`3.9` (`python` among its libraries)", "`3.10` (`python` of `@conda`)"),
        ),
        (Conda(python="3.9"), Pypi(python="3.10"), ("`3.9` (`python` of `@conda`)", "`3.10` (`python` of `@pypi`)")),
        (Conda(python="3.11"), Pypi(python="<3.11"), ("`3.11` (", "`<3.11` (")),
    ],
)
def test_pythons_that_contradict_each_other_are_refused_with_both_places(
    conda: Conda, pypi: Pypi, places: tuple[str, str]
) -> None:
    error = refused(conda, pypi)
    assert "asks for two Pythons" in error.message
    for place in ("flow.py:12", *places):
        assert place in error.message


def test_what_is_no_channel_is_refused() -> None:
    assert "``" in refused(Conda(channels=("",))).message
    assert "`https://`" in refused(Conda(channels=("https://",))).message


@pytest.mark.parametrize(
    "channel",
    [
        "https://me:secret@host.example/main",
        "https://secret@host.example/main",
        "https://host.example/t/secret/main",
        "https://host.example/conda/t/secret/main",
    ],
)
def test_a_secret_in_a_channel_is_refused_and_not_repeated(channel: str) -> None:
    error = refused(Conda(channels=(channel,)))
    assert "host.example" in error.message
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("packages", "requirements"),
    [
        ({"pandas": ""}, ("pandas",)),
        ({"pandas": "1.5.3"}, ("pandas==1.5.3",)),
        ({"pandas": "1.5.*"}, ("pandas==1.5.*",)),
        ({"Some_Package.Name": ">= 1.5 , <2"}, ("some-package-name<2,>=1.5",)),
        ({"a": "~=1.4", "b": "!=2"}, ("a~=1.4", "b!=2")),
        ({"dask[Array, complete]": "2024.1"}, ("dask[array,complete]==2024.1",)),
        ({"a": "https://host.example/a-1.0-py3-none-any.whl"}, ("a @ https://host.example/a-1.0-py3-none-any.whl",)),
        ({"a": "@ https://host.example/a-1.0-py3-none-any.whl"}, ("a @ https://host.example/a-1.0-py3-none-any.whl",)),
        ({"a@https://host.example/a-1.0-py3-none-any.whl": ""}, ("a @ https://host.example/a-1.0-py3-none-any.whl",)),
    ],
)
def test_packages_are_kept_in_one_spelling(packages: dict[str, str], requirements: tuple[str, ...]) -> None:
    assert asked(Pypi(tuple(packages.items()))).pypi == requirements


def test_a_file_is_looked_for_beside_the_flow(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1.0-py3-none-any.whl"
    wheel.touch()
    pypi = Pypi((("a", f"file:{wheel.name}"),))
    assert asked(pypi, flow_file=tmp_path / "flow.py").pypi == (f"a @ {wheel.as_uri()}",)
    assert f"the file `{Path('/flows') / wheel.name}`, which is not there" in refused(pypi).message


@pytest.mark.parametrize(
    ("package", "version", "problem", "hint"),
    [
        ("pandas", "latest", "is in no version that Python packages can have", "write a version like"),
        ("pandas", "^1.2", "is in no version that Python packages can have", "write a version like"),
        ("pandas", ">=1.5 <2", "is in no version that Python packages can have", "write a version like"),
        ("pandas", "=1.5", "is in no version that Python packages can have", "write a version like"),
        ("a", "git+https://host.example/a.git", "is a repository, and would have to be built", "`pip wheel`"),
        ("a", "https://host.example/a-1.0.tar.gz", "is not a wheel, and would have to be built", "`pip wheel`"),
        ("a", "https://me:hushed@host.example/a-1-py3-none-any.whl", "credentials", "netrc"),
        ("a", "https://host.example/a-1-py3-none-any.whl?key=hushed", "credentials", "netrc"),
    ],
)
def test_what_cannot_be_a_package_is_refused_with_the_way_out(
    package: str, version: str, problem: str, hint: str
) -> None:
    error = refused(Pypi(((package, version),)))
    for part in ("step `train`", "flow.py:12", package, problem):
        assert part in error.message
    assert hint in str(error.hint)
    assert "hushed" not in str(error)


@pytest.mark.parametrize("version", ["latest", ">=x", "=3.11 3", ">=3.9 <4"])
def test_python_that_nobody_can_have_is_refused(version: str) -> None:
    for pypi in (Pypi(python=version), Pypi((("python", version),))):
        assert "`python" in refused(pypi).message


def test_a_number_of_thousands_of_digits_is_no_version() -> None:
    assert "is in no version that Python packages can have" in refused(Pypi((("a", "9" * 5000),))).message


def test_a_channel_with_a_secret_is_not_shown() -> None:
    private = "https://me:hushed@host.example/c::numpy"
    for libraries in (((private, "latest"),), ((private, ""), ("numpy", ""))):
        assert "hushed" not in str(refused(Conda(libraries=libraries)))


def test_one_package_twice_is_refused() -> None:
    assert "`some-name` twice" in refused(Pypi((("Some_Name", "1"), ("some.name[x]", "2")))).message


def test_indexes_are_those_of_the_configuration_where_something_is_asked_of_them() -> None:
    """Which indexes there are makes no difference to a step that asks none."""
    indexes = ("https://host.example/simple",)
    assert asked(Pypi((("a", ""),)), indexes=indexes).indexes == indexes
    assert asked(Conda(libraries=(("a", ""),)), indexes=indexes).indexes == ()


def test_extras_belong_to_a_project() -> None:
    assert "asks for the extras `plot` without a project" in refused(Pypi(extras=("plot",))).message

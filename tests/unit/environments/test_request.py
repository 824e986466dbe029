"""What a step's `@conda` becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.environments.errors import InvalidSpec
from dockerflow.environments.request import spec_for
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.flow.definition import Conda, Step


def step(conda: Conda | None = None) -> Step:
    return Step("train", "/flows/flow.py", 12, "", ("end",), decorators=(conda,) if conda else ())


def asked(conda: Conda | None = None, channels: tuple[str, ...] = ("conda-forge",)) -> EnvironmentSpec:
    return spec_for(step(conda), "3.11", channels, "linux-64")


def refused(conda: Conda, channels: tuple[str, ...] = ("conda-forge",)) -> InvalidSpec:
    with pytest.raises(InvalidSpec) as caught:
        asked(conda, channels)
    return caught.value


def test_a_step_without_conda_asks_for_the_default_python_alone() -> None:
    assert asked() == EnvironmentSpec("3.11", (), ("conda-forge",), "linux-64")


def test_a_disabled_conda_is_none() -> None:
    assert asked(Conda(libraries=(("pandas", "1.5.3"),), python="3.9", disabled=True)) == asked()


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


def test_two_different_pythons_are_refused() -> None:
    assert "Python twice" in refused(Conda(libraries=(("python", "3.9"),), python="3.10")).message


def test_what_is_no_channel_is_refused() -> None:
    assert "``" in refused(Conda(channels=("",))).message
    assert "`https://`" in refused(Conda(channels=("https://",))).message


@pytest.mark.parametrize("channel", ["https://me:secret@host.example/main", "https://host.example/t/secret/main"])
def test_a_secret_in_a_channel_is_refused_and_not_repeated(channel: str) -> None:
    error = refused(Conda(channels=(channel,)))
    assert "host.example" in error.message
    assert "secret" not in str(error)

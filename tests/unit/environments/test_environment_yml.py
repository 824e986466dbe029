"""What an `environment.yml` asks for: conda's words with conda's meaning, and every mistake with its line."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from dockerflow.environments.errors import InvalidSpec
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.flow.definition import Conda, Pypi, StepDecorator
from dockerflow.flow.errors import place
from tests.unit.environments.asking import asked


def written(folder: Path, text: str) -> Conda:
    path = folder / "environment.yml"
    path.write_text(textwrap.dedent(text))
    return Conda(file=str(path))


def read(folder: Path, text: str, *others: StepDecorator, **options: str) -> EnvironmentSpec:
    return asked(written(folder, text), *others, flow_file=folder / "flow.py", **options)  # type: ignore[arg-type]


def refused(folder: Path, text: str) -> InvalidSpec:
    with pytest.raises(InvalidSpec) as caught:
        read(folder, text)
    return caught.value


def test_a_file_as_people_have_it(tmp_path: Path) -> None:
    spec = read(
        tmp_path,
        """
        name: analysis
        channels:
          - bioconda
          - conda-forge
        dependencies:
          - python=3.11
          - numpy=1.26
          - pytorch::pytorch>=2,<3
          - pip
          - pip:
              - requests[socks]>=2   # the newest
        prefix: /home/me/envs/analysis
        """,
    )
    assert spec == EnvironmentSpec(
        python="3.11",
        libraries=(("numpy", "1.26.*"), ("pytorch::pytorch", ">=2,<3")),
        channels=("bioconda", "conda-forge", "pytorch"),
        platform="linux-64",
        pypi=("requests[socks]>=2",),
    )


@pytest.mark.parametrize(
    ("written_as", "word"),
    [
        ("numpy", ""),
        ("numpy *", ""),
        ("numpy=*", ""),
        ("numpy=1.26", "1.26.*"),
        ("numpy = 1.26", "1.26.*"),
        ("numpy=1.26.*", "1.26.*"),
        ("numpy==1.26.4", "1.26.4"),
        ("numpy 1.26.4", "1.26.4"),
        ("numpy 1.26.*", "1.26.*"),
        ("numpy>=1.2,<2", ">=1.2,<2"),
        ("numpy >=1.2, <2", ">=1.2,<2"),
        ("numpy~=1.26", "~=1.26"),
        ("numpy!=1.26.1", "!=1.26.1"),
        ("numpy=1.26.4=py311h64a7726_0", "1.26.4 py311h64a7726_0"),
        ("numpy==1.26.4=py311_0", "1.26.4 py311_0"),
        ("numpy=1.26.*=py311*", "1.26.* py311*"),
        ("numpy 1.26.4 py311_0", "1.26.4 py311_0"),
        ("NumPy=1.26", "1.26.*"),
    ],
)
def test_versions_mean_what_they_mean_to_conda(written_as: str, word: str, tmp_path: Path) -> None:
    """A single `=` is a series there; `requirements` takes a bare version as exact, as `@conda(libraries=…)` has it."""
    assert read(tmp_path, f"dependencies: ['{written_as}']").libraries == (("numpy", word),)


@pytest.mark.parametrize(
    ("written_as", "python"),
    [("python", ""), ("python=3.11", "3.11"), ("python=3.11.4", "3.11.4.*"), ("python==3.11.4", "3.11.4"),
     ("python>=3.10", ">=3.10"), ("python=3", "3"), ("python 3.11.*", "3.11.*")],
)  # fmt: skip
def test_python_among_the_dependencies_is_the_python(written_as: str, python: str, tmp_path: Path) -> None:
    spec = read(tmp_path, f"dependencies: ['{written_as}']")
    assert (spec.python, spec.libraries) == (python, ())


@pytest.mark.parametrize(
    ("channels", "found"),
    [
        ("[a, b]", ("a", "b", "conda-forge")),
        ("[a, nodefaults]", ("a",)),
        ("[a, defaults, b]", ("a", "conda-forge", "b")),
        ("[conda-forge, a]", ("conda-forge", "a")),
        ("", ("conda-forge",)),
    ],
)
def test_channels_go_before_the_configured_ones(channels: str, found: tuple[str, ...], tmp_path: Path) -> None:
    """`defaults` are the configured ones, `nodefaults` leaves them out."""
    assert read(tmp_path, f"channels: {channels}\ndependencies: [numpy]").channels == found


def test_no_channel_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match="without any channel: `nodefaults` leaves out the configured ones"):
        read(tmp_path, "channels: [nodefaults]\ndependencies: [numpy]")


def test_platforms_are_a_list(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match="`platforms` is not a list"):
        read(tmp_path, "platforms: 5\ndependencies: [numpy]")


def test_a_folder_as_channel_is_seen_from_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, "channels: [./made, nodefaults]").channels == ((tmp_path / "made").as_uri(),)


@pytest.mark.parametrize("package", ["conda-forge::numpy", "conda-forge/linux-64::numpy", "conda-forge/noarch::numpy"])
def test_a_package_may_name_its_channel(package: str, tmp_path: Path) -> None:
    assert read(tmp_path, f"dependencies: ['{package}=1.26']").libraries == (("conda-forge::numpy", "1.26.*"),)


def test_lines_for_other_platforms_are_passed_over(tmp_path: Path) -> None:
    text = """
        dependencies:
          - a  # [linux]
          - b  # [osx]
          - c  # [linux64]
          - d  # [unix and not aarch64]
          - e  # [win or linux-aarch64]
          - f  # a word, and [nothing] said of platforms
          - pip:
              - g  # [win]
              - h  # [linux]
    """
    spec = read(tmp_path, text)
    assert ([name for name, _ in spec.libraries], spec.pypi) == (["a", "c", "d", "f"], ("h",))
    other = read(tmp_path, text, platform="linux-aarch64")
    assert [name for name, _ in other.libraries] == ["a", "e", "f"]


def test_what_the_decorators_say_goes_over_the_file(tmp_path: Path) -> None:
    conda = written(
        tmp_path,
        """
        channels: [b]
        dependencies: [numpy=1.26, x::pandas=2, python=3.11, {pip: [requests==1, 'rich==1']}]
        """,
    )
    conda = Conda(libraries=(("numpy", "2.0"), ("pandas", "")), channels=("a",), python=">=3.10", file=conda.file)
    spec = asked(conda, Pypi((("Requests", "2"),)), flow_file=tmp_path / "flow.py")
    assert spec.libraries == (("numpy", "2.0"), ("pandas", ""))
    assert spec.pypi == ("requests==2", "rich==1")
    assert spec.channels == ("a", "b", "conda-forge")
    assert spec.python == "3.11"


def test_a_python_that_contradicts_the_decorators_is_refused_with_its_line(tmp_path: Path) -> None:
    conda = written(tmp_path, "dependencies:\n  - numpy\n  - python=3.11\n")
    with pytest.raises(InvalidSpec, match="two Pythons") as caught:
        asked(conda, Pypi(python="3.12"))
    assert place(str(tmp_path / "environment.yml"), 3) in caught.value.message
    assert "`3.12` (`python` of `@pypi`)" in caught.value.message


def test_pip_itself_is_left_out_where_it_is_there_for_its_list_alone(tmp_path: Path) -> None:
    """conda wants it there to run it; wheels become layers without it."""
    assert read(tmp_path, "dependencies: [pip, {pip: [rich]}]").libraries == ()
    assert read(tmp_path, "dependencies: [pip=24, {pip: [rich]}]").libraries == (("pip", "24.*"),)
    assert read(tmp_path, "dependencies: [pip]").libraries == (("pip", ""),)


def test_requirements_named_among_those_for_pip_are_read(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("rich>=13\n-c limits.txt\n")
    (tmp_path / "limits.txt").write_text("numpy<2\n")
    spec = read(tmp_path, "dependencies:\n- pip:\n  - -r more.txt\n  - --index-url https://host.example/simple\n")
    assert (spec.pypi, spec.constraints) == (("rich>=13",), ("numpy<2",))
    assert spec.indexes == ("https://host.example/simple",)


def test_hashes_among_those_for_pip_count(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text(f"rich==13.0 --hash=sha256:{'a' * 64}\n")
    spec = read(tmp_path, "dependencies:\n- pip:\n  - -r more.txt\n")
    assert spec.hashes == (("rich", ("a" * 64,)),)


@pytest.mark.parametrize(
    ("text", "line", "problem", "hint"),
    [
        ("", 1, "`channels` and `dependencies` were expected", "write `dependencies:`"),
        ("- numpy\n", 1, "`channels` and `dependencies` were expected", "write `dependencies:`"),
        ("dependencies: [\n", 2, "this is not YAML", "look at this line and the one before it"),
        ("dependencies:\n- a\n\t- b\n", 3, "this is not YAML", "spaces, not tabs"),
        ("dependencies:\n  numpy: 1\n", 1, "`dependencies` is a mapping of keys to values; expected a list", "begin"),
        ("dependencies: numpy\n", 1, "`dependencies` is `numpy`; expected a list", "begin each line with `- `"),
        ("\ndependancies: [numpy]\n", 2, "there is no `dependancies` in an environment file", "did you mean `dep"),
        ("variables:\n  A: b\n", 1, "`variables` would not be set in a step", "set them with `os.environ`"),
        ("version: 1\nmetadata: {}\npackage: []\n", 1, "there is no `version`", "it has"),
        ("metadata: {}\npackage: []\n", 1, "`metadata` is a key of conda-lock files", "`@conda(lock=...)`"),
        ("dependencies:\n- numpy\n- numpy=1 2 3\n", 3, "`numpy=1 2 3` in `dependencies` is not understood", "write it"),
        ("dependencies:\n- numpy>=1 <2\n", 2, "`numpy>=1 <2` in `dependencies` is not understood", "write it like"),
        ("dependencies:\n- numpy[build=x]\n", 2, "`numpy[build=x]` in `dependencies` is not understood", "write it"),
        ("dependencies:\n- https://me:hushed@h/c::numpy=1 2 3\n", 2, "`https://***@h/c::numpy=1 2 3` in", "write it"),
        ("? [a]\n: b\n", 1, "there is no `?` in an environment file", "it has `channels`"),
        ("dependencies:\n- numpy\n- numpy=1\n", 3, "`numpy` is asked for twice, first at", "keep one"),
        ("dependencies:\n- [numpy]\n", 2, "something else stands in `dependencies`", "write a package"),
        ("dependencies:\n- npm:\n  - x\n", 2, "`npm` is not known here", "only `pip`"),
        ("dependencies:\n- pip:\n  - ./local\n", 3, "would have to be built from source", "`pip wheel`"),
        ("dependencies:\n- pip: x\n", 2, "`pip` is `x`; expected a list", "begin each line with `- `"),
        ("dependencies:\n- pip:\n  - a\n  - git+https://h/x\n", 4, "is a repository, and would", "`pip wheel`"),
        ("dependencies:\n- a  # [linx]\n", 2, "`linx` names no platform", "it knows `linux`"),
        ("platforms: [osx-64]\n", 1, "`platforms` has no `linux-64`", "add `linux-64` to it"),
        ("channels:\n- https://h/t/hushed/x\n", 2, "with a password or a token in its URL", "netrc"),
        ("channels:\n- https://me:hushed@h/x\n", 2, "with a password or a token in its URL", "netrc"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, line: int, problem: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_text(text)
    with pytest.raises(InvalidSpec) as caught:
        asked(Conda(file=str(tmp_path / "environment.yml")))
    assert f"environment.yml:{line}" in caught.value.message
    assert problem in caught.value.message
    assert hint in (caught.value.hint or "")
    assert "hushed" not in str(caught.value)

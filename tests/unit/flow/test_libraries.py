"""What a step's libraries come from: packages of both worlds, files, locks and images, over those of its flow."""

from __future__ import annotations

import linecache
from pathlib import Path

import pytest

from dockerflow.flow.checks import problems
from dockerflow.flow.definition import Conda, Image, Problem, Pypi, StepDecorator
from dockerflow.flow.loading import load
from tests.unit.flow.sources import loaded, written

TAIL = """
                self.next(self.end)
            @step
            def end(self):
                pass
"""
FILES = ("environment.yml", "other.yml", "conda-lock.yml", "requirements.txt", "pyproject.toml")


def _flow(*on_step: str, on_class: tuple[str, ...] = ()) -> str:
    above, own = "\n        ".join(on_class), "\n            ".join(on_step)
    return f"""
        {above}
        class F(FlowSpec):
            {own}
            @step
            def start(self):{TAIL}"""


def _start(folder: Path, *on_step: str, on_class: tuple[str, ...] = ()) -> tuple[StepDecorator, ...]:
    for name in FILES:
        (folder / name).touch()
    linecache.clearcache()  # a test may write the file more than once in a moment
    flow = loaded(folder, _flow(*on_step, on_class=on_class)).flow
    assert flow.problems == ()
    return flow.steps["start"].decorators


def _found(folder: Path, *on_step: str, on_class: tuple[str, ...] = ()) -> list[tuple[str, str, str | None]]:
    """The line, message and hint of each problem."""
    for name in FILES:
        (folder / name).touch()
    path = written(folder, _flow(*on_step, on_class=on_class))
    lines = path.read_text().splitlines()
    return [(lines[each.line - 1].strip(), each.message, each.hint) for each in problems(load(path).flow)]


@pytest.mark.parametrize(
    ("decorator", "value"),
    [
        ("@pypi", Pypi()),
        ("@pypi(packages={'pandas': '>=2', 'numpy': '1.26.4'})", Pypi((("numpy", "1.26.4"), ("pandas", ">=2")))),
        ("@pypi(packages={'dask[array, test]': ''})", Pypi((("dask[array, test]", ""),))),
        ("@pypi(packages={'x @ https://host/x.whl': ''})", Pypi((("x @ https://host/x.whl", ""),))),
        ("@pypi(python='3.11', disabled=False)", Pypi(python="3.11")),
        ("@pypi(disabled=True)", Pypi(disabled=True)),
        ("@image('debian:bookworm')", Image("debian:bookworm")),
        ("@image(image='host:5000/a/b@sha256:" + "0" * 64 + "')", Image("host:5000/a/b@sha256:" + "0" * 64)),
    ],
)
def test_decorator_is_read_as_its_value(decorator: str, value: StepDecorator, tmp_path: Path) -> None:
    assert _start(tmp_path, decorator) == (value,)


def test_files_are_those_beside_the_flow(tmp_path: Path) -> None:
    assert _start(tmp_path, "@conda(file='environment.yml')", "@pypi(file='pyproject.toml', extras=['b', 'a'])") == (
        Conda(file=str(tmp_path / "environment.yml")),
        Pypi(file=str(tmp_path / "pyproject.toml"), extras=("a", "b")),
    )
    assert _start(tmp_path, "@conda(lock='./conda-lock.yml')") == (Conda(lock=str(tmp_path / "conda-lock.yml")),)


def test_file_of_a_base_in_another_folder_is_the_one_beside_that_base(tmp_path: Path) -> None:
    folder = tmp_path / "a_base_in_a_folder"
    folder.mkdir()
    (folder / "environment.yml").touch()
    (folder / "__init__.py").write_text(
        "from dockerflow import FlowSpec, conda_base\n"
        "@conda_base(file='environment.yml')\nclass Base(FlowSpec):\n    pass\n"
    )
    text = f"""
        from a_base_in_a_folder import Base
        class F(Base):
            @step
            def start(self):{TAIL}"""
    flow = loaded(tmp_path, text).flow
    assert flow.problems == ()
    assert flow.steps["start"].decorator(Conda) == Conda(file=str(folder / "environment.yml"))


@pytest.mark.parametrize(
    ("base", "own", "value"),
    [
        (
            "packages={'a': '1', 'b': '1'}, python='3.8'",
            "packages={'b': '2'}",
            Pypi((("a", "1"), ("b", "2")), "3.8"),
        ),
        ("packages={'Some_Name[x]': '1'}", "packages={'some-name': '2'}", Pypi((("some-name", "2"),))),
        ("python='3.8'", "python='3.11'", Pypi(python="3.11")),
        ("disabled=True", "packages={'a': '1'}", Pypi((("a", "1"),), disabled=True)),
        ("disabled=True", "disabled=False", Pypi()),
    ],
)
def test_pypi_base_lies_under_a_steps_own_pypi(base: str, own: str, value: Pypi, tmp_path: Path) -> None:
    assert _start(tmp_path, f"@pypi({own})", on_class=(f"@pypi_base({base})",)) == (value,)


def test_a_step_has_libraries_of_both_worlds(tmp_path: Path) -> None:
    found = _start(
        tmp_path,
        "@pypi(packages={'a': '1'})",
        on_class=("@pypi_base(packages={'b': '1'})", "@conda_base(libraries={'c': '1'})"),
    )
    assert found == (Conda((("c", "1"),)), Pypi((("a", "1"), ("b", "1"))))


def test_a_library_from_another_channel_goes_over_the_one_of_the_base(tmp_path: Path) -> None:
    base, own = "@conda_base(libraries={'numpy': '1', 'x::pandas': '1'})", "@conda(libraries={'y::NumPy': '2'})"
    assert _start(tmp_path, own, on_class=(base,)) == (Conda((("x::pandas", "1"), ("y::NumPy", "2"))),)


@pytest.mark.parametrize(
    ("base", "own", "python"),
    [
        ("@conda_base(python='3.9')", "@pypi(python='3.11')", (None, "3.11")),
        ("@pypi_base(python='3.9')", "@conda(python='3.11')", ("3.11", None)),
        ("@conda_base(python='3.9')", "@pypi(packages={'a': ''})", ("3.9", None)),
    ],
)
def test_the_steps_own_python_goes_over_that_of_either_base(
    base: str, own: str, python: tuple[str | None, str | None], tmp_path: Path
) -> None:
    """Which of the two decorators names it makes no difference."""
    _start(tmp_path, own, on_class=(base,))
    step = loaded(tmp_path, _flow(own, on_class=(base,))).flow.steps["start"]
    conda, pypi = step.decorator(Conda) or Conda(), step.decorator(Pypi) or Pypi()
    assert (conda.python, pypi.python) == python


def test_a_file_takes_the_place_of_the_libraries_and_the_file_below_it(tmp_path: Path) -> None:
    base = "@conda_base(file='environment.yml', libraries={'a': '1'}, channels=['x'], python='3.9')"
    assert _start(tmp_path, "@conda(file='other.yml', libraries={'b': '1'})", on_class=(base,)) == (
        Conda((("b", "1"),), "3.9", ("x",), file=str(tmp_path / "other.yml")),
    )
    assert _start(tmp_path, "@conda(libraries={'b': '1'})", on_class=(base,)) == (
        Conda((("a", "1"), ("b", "1")), "3.9", ("x",), file=str(tmp_path / "environment.yml")),
    )


def test_a_lock_takes_the_place_of_all_that_is_below_it(tmp_path: Path) -> None:
    base = ("@conda_base(python='3.9', libraries={'a': '1'})", "@pypi_base(packages={'b': '1'})")
    assert _start(tmp_path, "@conda(lock='conda-lock.yml')", on_class=base) == (
        Conda(lock=str(tmp_path / "conda-lock.yml")),
    )
    lock = ("@conda_base(lock='conda-lock.yml')",)
    assert _start(tmp_path, "@conda(file='other.yml')", on_class=lock) == (Conda(file=str(tmp_path / "other.yml")),)
    assert _start(tmp_path, "@conda(disabled=True)", on_class=lock) == (
        Conda(disabled=True, lock=str(tmp_path / "conda-lock.yml")),
    )


def test_an_image_is_not_touched_by_what_the_flow_has_for_every_step(tmp_path: Path) -> None:
    base = ("@conda_base(libraries={'a': '1'})", "@pypi_base(packages={'b': '1'})")
    assert _start(tmp_path, "@image('x')", "@conda(disabled=True)", on_class=base) == (Image("x"),)


LOCK_AND_PYPI = "a lock has every package of a step, so `@pypi` can add none to it"


@pytest.mark.parametrize(
    ("on_class", "on_step", "line", "message"),
    [
        ((), ("@image('x')", "@conda(libraries={'a': ''})"), 1, "a step with `@image` runs in that image as it is, so"),
        ((), ("@image('x')", "@pypi(packages={'a': ''})"), 1, "a step with `@image` runs in that image as it is, so"),
        ((), ("@conda(lock='conda-lock.yml')", "@pypi(packages={'a': ''})"), 1, LOCK_AND_PYPI),
        (("@conda_base(lock='conda-lock.yml')",), ("@pypi(packages={'a': ''})",), 0, LOCK_AND_PYPI),
        (("@conda_base(lock='conda-lock.yml')", "@pypi_base(packages={'a': ''})"), (), -1, LOCK_AND_PYPI),
        (
            ("@conda_base(lock='conda-lock.yml')",),
            ("@conda(libraries={'a': ''})",),
            0,
            "the `lock` of `@conda_base` has every package of this step, so `libraries` can change nothing",
        ),
        *(
            (
                (),
                (f"@conda(lock='conda-lock.yml', {beside})",),
                0,
                f"`@conda` has `lock` and `{beside.partition('=')[0]}`, but a lock has every package already",
            )
            for beside in ("libraries={'a': ''}", "file='environment.yml'", "python='3.11'", "channels=['x']")
        ),
    ],
)
def test_what_does_not_go_together_is_refused_where_it_stands(
    on_class: tuple[str, ...], on_step: tuple[str, ...], line: int, message: str, tmp_path: Path
) -> None:
    ((at, said, hint),) = _found(tmp_path, *on_step, on_class=on_class)
    assert at == (on_class[-1] if line < 0 else on_step[line])
    assert said.startswith(message)
    assert hint


@pytest.mark.parametrize(
    ("decorator", "message", "hint"),
    [
        ("@pypi(libraries={'a': '1'})", "`@pypi` has no option `libraries`", "it has `packages`, `python`"),
        (
            "@pypi(packages={'a': 1})",
            "`packages` of `@pypi` has `1` as the version of `a`",
            'write it in quotes: `{"a": "1"}`',
        ),
        (
            "@pypi(packages={'a': None})",
            "`packages` of `@pypi` has `None` as the version of `a`",
            'write it in quotes: `{"a": "1',
        ),
        (
            "@pypi(packages={'rich==13.9.4': ''})",
            "`packages` of `@pypi` has a version in the name `rich==13.9.4`",
            'write `{"rich": "13.9.4"}`',
        ),
        (
            "@conda(libraries={'pandas=2.2.3': ''})",
            "`libraries` of `@conda` has a version in the name `pandas=2.2.3`",
            'write `{"pandas": "2.2.3"}`',
        ),
        (
            "@pypi(packages={'dask[array]>=2,<3': ''})",
            "`packages` of `@pypi` has a version in the name `dask[array]>=2,<3`",
            'write `{"dask[array]": ">=2,<3"}`',
        ),
        ("@conda(lock='ck.yml')", "`ck.yml`, the `lock` of `@conda`, is not there", "it is looked for"),
        ("@pypi(packages=['a'])", "`packages` of `@pypi` is `['a']`; expected a dictionary", None),
        ("@pypi(packages={'a b': ''})", "`packages` of `@pypi` is `'a b'`; expected names of packages", None),
        ("@pypi(packages={'https://me:hushed@h/a.whl': ''})", "`packages` of `@pypi` is `'a URL'`; expected", None),
        ("@pypi(extras='plot')", "`extras` of `@pypi` is `'plot'`; expected a list of names", None),
        ("@pypi(python=3.11)", "`python` of `@pypi` is `3.11`; expected a version in quotes", None),
        ("@pypi(disabled='no')", "`disabled` of `@pypi` is `'no'`; expected True or False", None),
        ("@pypi_base(python='3.11')", "`@pypi_base` stands on a step", "put it on the class, or write `@pypi` here"),
        ("@conda(file=1)", "`file` of `@conda` is `1`; expected the path of a file", None),
        (
            "@conda(file='enviroment.yml')",
            "`enviroment.yml`, the `file` of `@conda`, is not there",
            "did you mean `env",
        ),
        (
            "@conda(lock='nowhere/x.yml')",
            "`nowhere/x.yml`, the `lock` of `@conda`, is not there",
            "it is looked for in",
        ),
        ("@pypi(file='../')", "`../`, the `file` of `@pypi`, is a folder", "name the file in it"),
        (
            "@pypi(file='environment.yml')",
            "`file` of `@pypi` is `environment.yml`; expected a `requirements.txt` or a `pyproject.toml`",
            "an `environment.yml` is for `@conda(file=...)`",
        ),
        (
            "@conda(file='requirements.txt')",
            "`file` of `@conda` is `requirements.txt`; expected an `environment.yml`, in YAML",
            "files of pip's world are for `@pypi(file=...)`",
        ),
        ("@image", "`@image` takes the name of one image", "write `@image("),
        ("@image('a', 'b')", "`@image` takes the name of one image", "write `@image("),
        ("@image(name='a')", "`@image` takes the name of one image", "write `@image("),
        ("@image('Not A Name')", "`image` of `@image` is `'Not A Name'`; expected the name of an image", None),
    ],
)
def test_wrong_option_is_named_with_its_line(decorator: str, message: str, hint: str | None, tmp_path: Path) -> None:
    said = [(at, text, way) for at, text, way in _found(tmp_path, decorator) if text.startswith(message)]
    assert len(said) == 1, _found(tmp_path, decorator)
    assert said[0][0] == decorator
    assert (said[0][2] or "").startswith(hint or "")


def test_problems_of_a_base_are_told_once(tmp_path: Path) -> None:
    base = "@pypi_base(packages={'a': 1})"
    ((at, _, _),) = _found(tmp_path, "@pypi(packages={'b': ''})", on_class=(base,))
    assert at == base


def test_files_are_read_on_the_machine_that_starts_the_run_alone(tmp_path: Path) -> None:
    """A container has the flow's Python files and nothing that lies beside them."""
    path = written(tmp_path, _flow("@conda(file='nowhere.yml')", "@pypi(file='nowhere.txt')"))
    in_container = load(path, stand_ins=False).flow
    assert in_container.problems == ()
    here = load(path).flow.problems
    assert [isinstance(each, Problem) and "is not there" in each.message for each in here] == [True, True]


MISSING = "        import a_missing_library\n"


def _lacking(folder: Path, *on_step: str, on_class: tuple[str, ...] = ()) -> list[tuple[str, str | None]]:
    for name in FILES:
        (folder / name).touch()
    path = written(folder, MISSING + _flow(*on_step, on_class=on_class))
    return [(each.message, each.hint) for each in problems(load(path).flow, containers=True)]


@pytest.mark.parametrize(
    "base",
    [
        "@pypi_base(packages={'a': ''})",
        "@pypi_base(file='requirements.txt')",
        "@conda_base(file='environment.yml')",
        "@conda_base(lock='conda-lock.yml')",
    ],
)
def test_module_may_come_from_any_kind_of_libraries(base: str, tmp_path: Path) -> None:
    assert _lacking(tmp_path, on_class=(base,)) == []


def test_an_image_may_have_any_module(tmp_path: Path) -> None:
    ((message, _),) = _lacking(tmp_path, "@image('x')")
    assert message.endswith("step `end` asks for no library")


def test_disabled_in_either_kind_is_without_libraries(tmp_path: Path) -> None:
    base = ("@pypi_base(packages={'a': ''}, file='requirements.txt')",)
    ((message, hint),) = _lacking(tmp_path, "@conda(disabled=True)", on_class=base)
    assert message.endswith("step `start` asks for no library")
    assert '`@pypi_base(packages={"a_missing_library": ""})`' in str(hint)


def test_file_may_not_have_the_name_of_a_python_package_that_a_step_asks_for(tmp_path: Path) -> None:
    path = written(tmp_path, _flow("@pypi(packages={'opencv-python': ''})"), "cv2.py")
    (problem,) = problems(load(path).flow)
    assert problem.message == "`cv2.py` hides the library `cv2`, which a step asks for"

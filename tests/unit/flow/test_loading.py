"""From a file to a flow, on a machine that lacks what the flow's containers have."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from dockerflow.flow.checks import problems
from dockerflow.flow.errors import FlowFileError, StandInUsed
from dockerflow.flow.loading import load
from tests.unit.flow.sources import found, loaded, written

FLOW = """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self):
                pass
"""


def test_file_is_imported_under_its_own_name_and_not_run(tmp_path: Path) -> None:
    path = written(tmp_path, FLOW + "        if __name__ == '__main__':\n            raise SystemExit(1)\n")
    flow = load(path)
    assert (flow.cls.__module__, sys.modules["a_flow"].F) == ("a_flow", flow.cls)
    assert (flow.flow.name, flow.flow.file, flow.flow.line) == ("F", str(path), 3)


def test_neighbours_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "a_neighbour.py").write_text("VALUE = 3\n")
    assert loaded(tmp_path, "        from a_neighbour import VALUE\n" + FLOW).flow.name == "F"


def test_neighbours_of_another_flow_are_not_taken_for_its_own(tmp_path: Path) -> None:
    names = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        (folder / "a_common_name.py").write_text(f"NAME = {folder.name!r}\n")
        text = "        import a_common_name\n" + FLOW.replace(
            "@step", "NAME = a_common_name.NAME\n            @step", 1
        )
        names.append(loaded(folder, text).cls.NAME)
    assert names == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing.py", "flow file `{}` does not exist"), ("", "`{}` is no file"), ("notes.txt", "`{}` is no Python file")],
)
def test_path_must_be_a_python_file(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(FlowFileError, match=re.escape(message.format(tmp_path / name))):
        load(tmp_path / name)


def test_file_may_not_hide_a_module_of_python(tmp_path: Path) -> None:
    path = written(tmp_path, FLOW, "json.py")
    with pytest.raises(FlowFileError, match="has the name of the Python module `json`"):
        load(path)


def test_error_of_the_file_is_shown_from_its_own_frame_on(tmp_path: Path) -> None:
    path = written(tmp_path, "        def broken():\n            return 1 / 0\n        broken()\n" + FLOW)
    with pytest.raises(FlowFileError) as raised:
        load(path)
    assert raised.value.message.startswith("flow file `a_flow.py` does not import: ZeroDivisionError\n\nTraceback")
    files = re.findall(r'File "([^"]+)"', raised.value.traceback)
    assert files == [str(path), str(path)]
    assert "a_flow" not in sys.modules


def test_syntax_error_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(FlowFileError, match="SyntaxError") as raised:
        load(written(tmp_path, "        x = (\n"))
    assert re.findall(r'File "(.*)", (line \d+)', raised.value.traceback) == [(str(tmp_path / "a_flow.py"), "line 2")]


def test_file_that_ends_python_says_so(tmp_path: Path) -> None:
    with pytest.raises(FlowFileError, match="SystemExit"):
        load(written(tmp_path, "        import sys; sys.exit(2)\n" + FLOW))


def test_file_needs_a_flow(tmp_path: Path) -> None:
    with pytest.raises(FlowFileError, match="there is no flow in"):
        load(written(tmp_path, "x = 1\n"))


def test_several_flows_are_named_and_one_is_chosen_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, FLOW + FLOW.replace("class F(", "class G("))
    with pytest.raises(FlowFileError, match=r"there are 2 flows in .*: `F`, `G`"):
        load(path)
    assert load(path, "G").flow.name == "G"
    with pytest.raises(FlowFileError, match="there is no flow `H`"):
        load(path, "H")


def test_base_of_another_flow_is_not_counted(tmp_path: Path) -> None:
    text = FLOW + "        class Derived(F):\n            pass\n"
    assert loaded(tmp_path, text).flow.name == "Derived"


def test_steps_are_in_the_order_of_their_definition_bases_first(tmp_path: Path) -> None:
    text = """
        class Base(FlowSpec):
            "The base."
            @step
            def start(self):
                "Begin."
                self.next(self.middle)
            @step
            def end(self):
                pass
        class F(Base):
            @step
            def middle(self):
                self.next(self.end)
    """
    flow = loaded(tmp_path, text).flow
    assert list(flow.steps) == ["start", "end", "middle"]
    assert (flow.steps["start"].doc, flow.steps["start"].next, flow.doc) == ("Begin.", ("middle",), "")


MISSING = """
        import a_missing_library as lib
        import a_missing_library.deeper.still
        from another_missing.linear_model import Regression, helpers as h
        X = lib.array([1, 2]) * 2 + lib.pi
        lib.options.display = 5
        lib.settings["a"] = 1
        class Model(lib.Base):
            size: "lib.Int" = lib.Field(default=3)
        def annotated(x: lib.Array | None) -> lib.Array:
            return x
        with lib.context():
            pass
"""


def test_missing_libraries_have_stand_ins_while_the_file_is_read(tmp_path: Path) -> None:
    text = MISSING + FLOW.replace(
        "            @step", "            LIMIT = lib.limit()\n            @lib.traced\n            @step", 1
    )
    assert found(tmp_path, text) == []
    assert not {name for name in sys.modules if name.startswith(("a_missing_library", "another_missing"))}


@pytest.mark.parametrize(
    ("use", "what"),
    [
        ("len(lib.array([1]))", "the length of `a_missing_library.array(...)`"),
        ("int(lib.number)", "the number `a_missing_library.number`"),
        ("list(lib.names)", "the items of `a_missing_library.names`"),
        ("1 if lib.__version__ > '2' else 2", "the truth of `a_missing_library.__version__ > ...`"),
        ("3 in lib.numbers", "what is in `a_missing_library.numbers`"),
    ],
)
def test_stand_in_says_what_it_cannot_do_and_where(use: str, what: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"        import a_missing_library as lib\n        x = {use}\n" + FLOW)
    with pytest.raises(StandInUsed) as raised:
        load(path)
    assert f"a_flow.py:3: {what} is needed while the flow file is read" in raised.value.message
    assert "`a_missing_library` is not installed here" in raised.value.message
    assert raised.value.hint is not None


def test_star_import_of_a_missing_library_says_so(tmp_path: Path) -> None:
    with pytest.raises(StandInUsed, match=r"`from ... import \*` of `a_missing_library`"):
        load(written(tmp_path, "        from a_missing_library import *\n" + FLOW))


def test_modules_that_exist_are_never_stood_in_for(tmp_path: Path) -> None:
    with pytest.raises(FlowFileError, match=r"No module named 'json\.nothing'"):
        load(written(tmp_path, "        import json.nothing\n" + FLOW))
    with pytest.raises(FlowFileError, match="cannot import name 'nothing' from 'json'"):
        load(written(tmp_path, "        from json import nothing\n" + FLOW))


def test_imports_inside_installed_libraries_get_no_stand_in(tmp_path: Path) -> None:
    library = tmp_path / "venv" / "site-packages"
    library.mkdir(parents=True)
    (library / "an_installed_one.py").write_text(
        "try:\n    import a_missing_option\nexcept ImportError:\n    a_missing_option = None\n"
    )
    text = f"        import sys; sys.path.append({str(library)!r})\n        import an_installed_one as one\n"
    path = written(tmp_path, text + "        assert one.a_missing_option is None\n" + FLOW)
    try:
        assert load(path).flow.name == "F"
    finally:
        sys.path.remove(str(library))
        sys.modules.pop("an_installed_one", None)


def test_container_has_no_stand_ins(tmp_path: Path) -> None:
    path = written(tmp_path, "        import a_missing_library\n" + FLOW)
    with pytest.raises(FlowFileError) as raised:
        load(path, stand_ins=False)
    assert raised.value.hint == (
        "import it inside the steps that use it, or give every step the library: "
        '`@conda_base(libraries={"a_missing_library": ""})`'
    )


def test_module_of_the_file_belongs_into_the_images_of_its_steps_too(tmp_path: Path) -> None:
    text = FLOW.replace("@step", "@image('x')\n            @step", 1)
    path = written(tmp_path, "        import a_missing_library\n" + text)
    with pytest.raises(FlowFileError) as raised:
        load(path, stand_ins=False)
    assert str(raised.value.hint).endswith(': ""})`, and put it into the images of steps with `@image`')


def test_misspelt_neighbour_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "plotting.py").write_text("")
    path = written(tmp_path, "        import ploting\n" + FLOW)
    (problem,) = problems(load(path).flow)
    assert (problem.line, problem.message) == (2, "there is no module `ploting`, here or among the steps' libraries")
    assert problem.hint == "did you mean `plotting`, which lies beside the flow?"


def test_library_of_a_step_that_is_like_a_neighbour_is_none(tmp_path: Path) -> None:
    (tmp_path / "plotting.py").write_text("")
    text = "        import ploting\n" + FLOW.replace(
        "@step", '@conda(libraries={"ploting": "1"})\n            @step', 1
    )
    assert found(tmp_path, text) == []

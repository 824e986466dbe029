"""What of a flow's files counts for a step, and what does not."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import pytest

from dockerflow.caching.canonical import hash_of_nodes, parsed
from dockerflow.caching.code import Code
from dockerflow.caching.key import CannotTell

FLOW = """
import json

import helpers
from dockerflow import FlowSpec, Parameter, step

FACTOR = 2


class F(FlowSpec):
    alpha = Parameter("alpha", default=1)
    table = {"a": 1}

    @step
    def start(self):
        from package import models

        self.model = models.Net()
        self.next(self.train)

    @step
    def train(self):
        self.x = self.halved(helpers.double(FACTOR))
        self.next(self.end)

    def halved(self, value):
        return value / 2

    @step
    def end(self):
        print("over")
"""

FILES = {
    "flow.py": FLOW,
    "helpers.py": "from package import sums\n\n\ndef double(x):\n    return sums.twice(x)\n",
    "package/__init__.py": "",
    "package/models.py": "from . import layers\n\n\nclass Net:\n    pass\n",
    "package/layers.py": "SIZE = 3\n",
    "package/sums.py": "def twice(x):\n    return 2 * x\n",
    "package/unused.py": "A = 1\n",
    "other_flow.py": "B = 1\n",
}


def reached(files: Mapping[str, str], step: str = "train", roots: tuple[str, ...] = ()) -> dict[str, str]:
    tree = ast.parse(files["flow.py"])
    flow = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    steps = {
        node.name: ("flow.py", node.lineno)
        for node in flow.body
        if isinstance(node, ast.FunctionDef) and any(getattr(each, "id", "") == "step" for each in node.decorator_list)
    }
    content = {name: text.encode() for name, text in files.items()}
    return Code(content, "flow.py", steps, frozenset({"alpha"}), roots=roots).reached_by(step)


def changed(name: str, old: str, new: str) -> dict[str, str]:
    """The files with one change."""
    assert old in FILES[name]
    return {**FILES, name: FILES[name].replace(old, new)}


def differing(files: Mapping[str, str], step: str = "train") -> set[str]:
    before, now = reached(FILES, step), reached(files, step)
    return {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}


def test_what_the_flow_imports_at_any_depth_counts_and_nothing_else():
    assert set(reached(FILES)) == {
        "train()", "flow.py", "helpers.py", "package/__init__.py", "package/layers.py", "package/models.py",
        "package/sums.py",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "old", "new", "differs"),
    [
        ("flow.py", "double(FACTOR)", "double(FACTOR + 1)", {"train()"}),
        ("flow.py", "FACTOR = 2", "FACTOR = 3", {"flow.py"}),
        ("flow.py", "value / 2", "value // 2", {"flow.py"}),  # a method that is no step
        ("flow.py", '{"a": 1}', '{"a": 2}', {"flow.py"}),  # an attribute of the class
        ("flow.py", "import json\n", "import json\nimport math\n", {"flow.py"}),
        ("helpers.py", "twice(x)", "twice(x + 1)", {"helpers.py"}),
        ("package/sums.py", "2 * x", "3 * x", {"package/sums.py"}),
        ("package/layers.py", "3", "4", {"package/layers.py"}),  # by what only another step imports
        ("package/__init__.py", "", "import os\n", {"package/__init__.py"}),
        ("flow.py", "    @step\n    def train", "    @mine\n    @step\n    def train", {"train()"}),
    ],
)
def test_a_change_of_what_is_reached_counts(name: str, old: str, new: str, differs: set[str]):
    files = {**FILES, name: FILES[name].replace(old, new) if old else new}
    assert differing(files) == differs


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("flow.py", "self.x = ", "# a comment\n        self.x  =  "),
        ("flow.py", "\nFACTOR", "\n\n\n# more\nFACTOR"),
        ("flow.py", '{"a": 1}', "{\n        'a': 1,\n    }"),
        ("flow.py", "helpers.double(FACTOR)", "(helpers.double((FACTOR)))"),
        ("flow.py", 'print("over")', 'print("all over")'),  # in another step
        ("flow.py", "self.model = models.Net()", "self.model = models.Net(1)"),
        ("flow.py", "    @step\n    def end", "    @retry\n    @step\n    def end"),
        ("flow.py", "default=1", "default=2, help='how much'"),
        ("package/unused.py", "1", "2"),
        ("other_flow.py", "1", "2"),
    ],
)
def test_a_change_of_anything_else_does_not(name: str, old: str, new: str):
    assert differing(changed(name, old, new)) == set()


def test_a_new_parameter_and_a_new_step_do_not_count():
    text = FLOW.replace("    table =", "    beta = Parameter('beta', default=3)\n    table =")
    files = {
        **FILES,
        "flow.py": text.replace(
            "    @step\n    def end",
            "    @step\n    def more(self):\n        self.next(self.end)\n\n    @step\n    def end",
        ),
    }
    code = {name: content.encode() for name, content in files.items()}
    lines = {name: text_line(files["flow.py"], f"def {name}(") for name in ("start", "train", "more", "end")}
    steps = {name: ("flow.py", line) for name, line in lines.items()}
    assert Code(code, "flow.py", steps, frozenset({"alpha", "beta"})).reached_by("train") == reached(FILES)


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        ("IncludeFile('alpha', parser='package.sums.twice')", "IncludeFile('alpha', parser='package.sums.half')", True),
        ("IncludeFile('alpha')", "IncludeFile('alpha', parser=helpers.double)", True),
        ("IncludeFile('alpha', False, True, None, '', helpers.double)", "IncludeFile('alpha', False)", True),
        ("IncludeFile('alpha')", "IncludeFile('alpha', **helpers.OPTIONS)", True),
        ("Config('alpha')", "Config('alpha', plain=True)", True),
        ("IncludeFile('alpha', default='a')", "IncludeFile('alpha', default='b', is_text=False)", False),
        ("Config('alpha', default_value='1')", "Config('alpha', default_value='2')", False),
        ("Parameter('alpha', default=1)", "Parameter('alpha', default=2, type=int)", False),
    ],
)
def test_what_a_step_makes_itself_of_a_parameter_counts_and_not_how_it_is_given(
    before: str, after: str, counts: bool
) -> None:
    both = (FLOW.replace('Parameter("alpha", default=1)', each) for each in (before, after))
    one, other = (reached({**FILES, "flow.py": text}) for text in both)
    assert (one != other) == counts


def test_a_parser_that_is_named_is_reached():
    declared = "IncludeFile('alpha', parser='package.unused.read')"
    files = {**FILES, "flow.py": FLOW.replace('Parameter("alpha", default=1)', declared)}
    assert "package/unused.py" in reached(files)


def text_line(text: str, what: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if what in line)


def test_a_step_that_is_called_by_another_counts_as_a_helper_does():
    calling = {**FILES, "flow.py": FLOW.replace("self.x = ", "F.end(self)\n        self.x = ")}
    edited = {**calling, "flow.py": calling["flow.py"].replace('print("over")', 'print("all over")')}
    assert reached(calling)["flow.py"] != reached(edited)["flow.py"]


def test_inputs_of_a_join_by_the_name_of_their_step_are_no_calls():
    joining = {**FILES, "flow.py": FLOW.replace("self.x = ", "inputs.end.x\n        self.x = ")}
    edited = {**joining, "flow.py": joining["flow.py"].replace('print("over")', 'print("all over")')}
    assert reached(joining) == reached(edited)


@pytest.mark.parametrize(
    "line",
    [
        "import importlib",
        "from importlib import import_module",
        "import subprocess",
        "import os; os.system('python other_flow.py')",
        "exec('import other_flow')",
        "__import__('other_flow')",
        "import sys; sys.path.insert(0, 'package')",
        "from sys import path",
        "from pathlib import Path; HERE = Path(__file__).parent",
        "import runpy",
        "import pkgutil",
        "import sys as system; system.path.append('package')",
        "from os import *; system('python other_flow.py')",
        "import os; os.execvp('python', ['python', 'other_flow.py'])",
        "import os; os.spawnl(os.P_WAIT, 'python', 'python', 'other_flow.py')",
        "import os; os.posix_spawn('python', ['python', 'other_flow.py'], {})",
        "import pty; pty.spawn(['python', 'other_flow.py'])",
        "import asyncio; asyncio.create_subprocess_exec('python', 'other_flow.py')",
        "from asyncio import create_subprocess_shell as run",
        "import builtins; builtins.exec('import other_flow')",
        "import unittest; unittest.main('other_flow')",
        "import pytest; pytest.main(['other_flow.py'])",
        "import sys; sys.meta_path",
        "import pexpect",
    ],
)
def test_where_code_is_found_by_code_every_file_counts(line: str):
    files = {**FILES, "package/sums.py": f"{line}\n{FILES['package/sums.py']}"}
    assert set(FILES) < set(reached(files))
    assert reached(files) != reached({**files, "other_flow.py": "B = 2\n"})


@pytest.mark.parametrize("line", ["import os.path; os.path.join('a')", "import re; re.compile('x')", "model.eval()"])
def test_what_only_looks_like_that_is_nothing_special(line: str):
    files = {**FILES, "package/sums.py": f"{line}\n{FILES['package/sums.py']}"}
    assert "other_flow.py" not in reached(files)


@pytest.mark.parametrize("text", ["package.unused", "package.unused.A", "package.unused:A"])
def test_a_module_that_a_text_names_counts(text: str):
    """As libraries make objects from the names of their classes."""
    files = {**FILES, "helpers.py": f"{FILES['helpers.py']}TARGET = '{text}'\n"}
    assert "package/unused.py" in reached(files)


@pytest.mark.parametrize("name", ["random.py", "json/__init__.py", "sitecustomize.py"])
def test_a_file_that_stands_before_a_module_of_python_counts(name: str):
    """Libraries import that, and get this."""
    assert name in reached({**FILES, name: "A = 1\n"})


def test_an_import_of_everything_reaches_all_of_a_package():
    files = {**FILES, "helpers.py": "from package import *\n"}
    assert "package/unused.py" in reached(files)


def test_an_import_of_a_name_is_none_of_all_that_is_beside_it():
    files = {**FILES, "helpers.py": "from package.sums import twice\n"}
    assert "package/unused.py" not in reached(files)


def test_files_that_are_no_python_count_all_of_them():
    files = {**FILES, "package/data.csv": "1,2\n"}
    assert differing(files) == {"package/data.csv"}
    assert reached(files) != reached({**files, "package/data.csv": "1,3\n"})


def test_modules_that_the_command_line_names_count():
    assert "package/unused.py" in reached(FILES, roots=("package.unused",))


def test_a_file_that_this_python_cannot_read_counts_as_it_is():
    before = {**FILES, "package/sums.py": "print 1\n"}
    assert reached(before) == reached({**before})
    assert reached(before) != reached({**before, "package/sums.py": "print 1  # now\n"})


def test_a_step_that_stands_in_no_file_of_the_flows_cannot_be_told():
    content = {name: text.encode() for name, text in FILES.items()}
    with pytest.raises(CannotTell, match="the function of step `train` is in no file beside the flow"):
        Code(content, "flow.py", {"train": ("", 3)}).reached_by("train")


def test_a_step_of_a_base_class_counts_in_its_own_file():
    train, score = (
        "    @step\n    def train(self):\n        self.x = 1\n",
        "    @step\n    def score(self):\n        pass\n",
    )
    base = f"class Base:\n{train}\n{score}"
    files = {"flow.py": "from base import Base\n\n\nclass F(Base):\n    pass\n", "base.py": base}
    steps = {"train": ("base.py", 3), "score": ("base.py", 7)}

    def hashes(text: str) -> dict[str, str]:
        content = {name: each.encode() for name, each in {**files, "base.py": text}.items()}
        return Code(content, "flow.py", steps).reached_by("train")

    assert hashes(base) == hashes(base.replace("pass", "print(1)"))
    assert hashes(base)["train()"] != hashes(base.replace("self.x = 1", "self.x = 2"))["train()"]


def test_the_folder_in_which_a_flow_lies_is_not_known_here():
    assert all("/" not in name or name.startswith("package/") for name in reached(FILES))


MANY_FORMS = '''
import a.b as c
from . import d
async def f(x, /, y: int = 1, *z, k=None, **o) -> "t":
    """Doc."""
    async with g() as h, i:
        return [await j async for j in h if j] or {**o, "k": 1} or {1, 2.5, 3j, b"x", ..., None, True}
class K(L, metaclass=M):
    n: int
    p = lambda q: f"{q!r:>{k}} and {q}" + r"\\n" "more"
match x:
    case {"a": [1, *rest], **other} if x: pass
    case K(y=1) | None: pass
    case _: pass
try:
    w[1:2, ::3] = (v := -0x10)
except E as e:
    raise e from None
'''


def test_the_same_text_gives_the_same_hash_in_every_python():
    """Told by a number that another version of Python has to come to as well: see `canonical`."""
    tree = parsed(MANY_FORMS.encode())
    assert tree is not None
    assert hash_of_nodes(tree.body) == "35d5a11179f72150ce50f91f3abf3a6ca83c246e129f996096f97044a61ff5be"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 'a'", "x = b'a'"),
        ("x = None", "x = 'None'"),
        ("f(a, *b)", "f(*b, a)"),
        ("{**a, 'b': 1}", "{'b': 1, **a}"),
        ("x = y = 1", "x = 1; y = 1"),
        ("def f(a, /): pass", "def f(a): pass"),
        ("a - (b - c)", "a - b - c"),
        ("if a: b\nc", "if a:\n  b\n  c"),
        ("return_ = [1, [2]]", "return_ = [[1], 2]"),
        ("x = (1, ')')", "x = ('1', ')')"),
    ],
)
def test_what_means_something_else_has_another_hash(one: str, other: str):
    hashes = [hash_of_nodes(ast.parse(text).body) for text in (one, other)]
    assert hashes[0] != hashes[1]


def test_numbers_with_thousands_of_digits_and_long_sums_are_no_trouble():
    text = f"x = 0x{'f' * 9000}\ny = {' + '.join(['x'] * 400)}\nz = '\\ud800'"
    assert len(hash_of_nodes(ast.parse(text).body)) == 64


def test_decorators_of_ours_count_by_what_they_say_and_others_as_code():
    text = (
        "class F:\n    @retry(\n        times=2\n    )\n    @mine(1)\n    @step\n    def train(self):\n        pass\n"
    )

    def own(text: str, lines: frozenset[int] = frozenset({2})) -> str:
        ours = frozenset(("flow.py", line) for line in lines)
        code = Code({"flow.py": text.encode()}, "flow.py", {"train": ("flow.py", 7)}, decorators=ours)
        return code.reached_by("train")["train()"]

    assert own(text) == own(text.replace("times=2", "times=3"))
    assert own(text) != own(text.replace("mine(1)", "mine(2)"))
    assert own(text, frozenset()) != own(text)


def test_decorators_of_ours_on_the_class_are_no_code_either():
    text = "@conda_base(python='3.11')\n@mine(1)\nclass F:\n    @step\n    def train(self):\n        pass\n"

    def rest(text: str) -> str:
        ours = frozenset({("flow.py", 1)})
        return Code({"flow.py": text.encode()}, "flow.py", {"train": ("flow.py", 5)}, decorators=ours).reached_by(
            "train"
        )["flow.py"]

    assert rest(text) == rest(text.replace("3.11", "3.12"))
    assert rest(text) != rest(text.replace("mine(1)", "mine(2)"))

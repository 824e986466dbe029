"""Whatever stands in a user's file, it is understood or refused with its line: nothing else may come out."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dockerflow.environments.errors import InvalidSpec
from dockerflow.environments.request import environment_for
from dockerflow.flow.definition import Conda, Pypi, Step, StepDecorator

# Words of the three formats, put together in any way: much nearer to what is understood than any text would be.
WORDS = {
    "environment.yml": [
        "dependencies:", "channels:", "name: x", "variables:", "- ", "  - ", "\n", ":", "[", "]", "{", "}", "pip:",
        "- pip:\n  - ", "numpy", "python", "=", "==", ">=1,<2", "1.26", "::", "conda-forge", "defaults", "nodefaults",
        "# [linux]", "# [x]", "*", "&a", "*a", "!!int", "? ", "'", "\"", "https://h/t/x/y", "http://[", "null", "1",
        "git+https://h/x", "-r x", "\t",
    ],
    "requirements.txt": [
        "numpy", "pandas", "[a,b]", "==", ">=", "<2", "1.0", ";", "python_version", "'3'", " ", "\n", "\\\n", "#",
        "-r", "-c ", "-e ", "-i ", "--hash=sha256:a", "--", "=", "@", " @ ", "https://", "http://[",
        "host/a-1-py3-none-any.whl", ".whl", "file:", "./", "..", "git+", "${HOME}", "${", "}", "?", "~=", "===", ",",
        "(", ")", "é", "\x00", "\x0c", "%zz", "-f",
    ],
    "pyproject.toml": [
        "[project]", "[project.optional-dependencies]", "[tool.uv]", "[[tool.uv.index]]", "\n", "dependencies",
        "requires-python", "dynamic", "name", "plot", " = ", "[", "]", "{", "}", "'numpy'", "'numpy>=1'", "'>=3.9'",
        "'x'", "1", ",", "true", "'x[plot]'",
    ],
}  # fmt: skip


def read(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        conda = name == "environment.yml"
        decorator: StepDecorator = Conda(file=str(path)) if conda else Pypi(file=str(path), extras=())
        step = Step("train", str(Path(folder) / "flow.py"), 12, "", ("end",), decorators=(decorator,))
        message = refusal(step)
        if message is not None:
            assert re.search(rf"{re.escape(name)}:\d+|`train` \(flow.py:12\)|which includes it", message), message
            assert len(message.splitlines()) == 1, message


def refusal(step: Step) -> str | None:
    try:
        environment_for(step, ("conda-forge",), (), "linux-64")
    except InvalidSpec as error:
        return error.message
    return None


@pytest.mark.parametrize("name", WORDS)
def test_words_of_the_format_in_any_order(name: str) -> None:
    @given(st.lists(st.sampled_from(WORDS[name]), max_size=25).map("".join))
    @settings(max_examples=1000, deadline=None)
    def holds(text: str) -> None:
        read(name, text.encode())

    holds()


@pytest.mark.parametrize("name", WORDS)
def test_any_bytes(name: str) -> None:
    @given(st.binary(max_size=60))
    @example(b"\xff\xfe\x00")
    @example(b"a @ http://[")
    @example(b"-r " + b"x" * 300)
    @example(b"-f " + b"x" * 300)
    @example(b"./" + b"x" * 300)
    @example(b"./" + b"x" * 300 + b"-1-py3-none-any.whl")
    @example(b"python===x")
    @example(b"- " * 3000)
    @example(b"x = " + b"[" * 3000)
    @example(b"x = " + b"9" * 5000)
    @example(b"x = " + b"9" * 5000 + b"\n---\n&a [*a]")
    @settings(max_examples=50, deadline=None)
    def holds(content: bytes) -> None:
        read(name, content)

    holds()

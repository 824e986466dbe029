"""The program that compiles in containers, run here by this Python, and the session that talks with it."""

from __future__ import annotations

import marshal
import os
import random
import resource
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dockerflow.attached import STDERR, STDOUT
from dockerflow.images import compile_program
from dockerflow.images.bytecode import Module, Sources
from dockerflow.images.compile_session import CompileSession
from dockerflow.images.errors import CompileError
from dockerflow.images.image import Layer

PROGRAM = Path(compile_program.__file__).read_text(encoding="utf-8")


class Process:
    """The program as a process of this machine, its streams joined as an engine joins a container's."""

    def __init__(self, program: str = PROGRAM) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-S", "-s", "-B", "-W", "ignore", "-c", program]
        variables = {"PYTHONHASHSEED": "0"}
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=variables)
        self._pieces = self._joined()
        self.heard_out = threading.Event()

    def send(self, content: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(content)
        self.process.stdin.flush()

    def receive(self) -> bytes:
        piece = next(self._pieces, b"")
        if not piece:
            self.heard_out.set()
        return piece

    def _joined(self) -> Iterator[bytes]:
        assert self.process.stdout
        assert self.process.stderr
        for stream, source in ((STDOUT, self.process.stdout), (STDERR, self.process.stderr)):
            while part := os.read(source.fileno(), 1000):
                yield struct.pack(">BxxxI", stream, len(part)) + part

    def close(self) -> None:
        pass


@pytest.fixture
def process() -> Iterator[Process]:
    made = Process()
    yield made
    end(made)


def end(process: Process) -> None:
    process.process.kill()
    process.process.wait()
    assert process.heard_out.wait(30)  # whoever listened must not read from what is opened next
    for stream in (process.process.stdin, process.process.stdout, process.process.stderr):
        if stream:
            with suppress(BrokenPipeError):
                stream.close()


def sources(folder: Path, texts: dict[str, bytes]) -> Sources:
    """As if the modules lay in a layer."""
    path = folder / "layer"
    path.write_bytes(b"".join(texts.values()))
    modules, offset = [], 0
    for name, text in texts.items():
        modules.append(Module(name, offset, len(text)))
        offset += len(text)
    return Sources(Layer("sha256:0", path, offset, "t"), tuple(modules))


def standard_library() -> dict[str, bytes]:
    folder = Path(os.__file__).parent
    return {f"lib/{path.name}": path.read_bytes() for path in sorted(folder.glob("[a-i]*.py"))}


def test_the_order_of_modules_and_who_compiles_them_changes_no_byte(tmp_path: Path) -> None:
    texts = list(standard_library().items())
    results = []
    for seed in range(3):
        random.Random(seed).shuffle(texts)
        process = Process()
        results.append(CompileSession(process).compile(sources(tmp_path, dict(texts))))
        end(process)
    one = dict(results[0])
    assert len(one) > 50
    assert all(found == one for found in results[1:])


def test_strings_that_others_have_too_change_no_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"def a_name_like_no_other(x_like_no_other):\n    return {'key': 'some text'}\n"
    monkeypatch.setattr(compile_program, "SHARED_STRINGS", False)  # as with an older Python
    before = compile_program.compiled("/a.py", text)
    mine = [sys.intern("a_name_like_no_other"), sys.intern("x_like_no_other")]
    assert compile_program.compiled("/a.py", text) == before
    assert len(mine) == 2


def test_a_set_with_a_member_whose_place_is_its_hash_is_not_compiled_by_an_older_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compile_program, "SORTED_SETS", False)
    assert compile_program.compiled("/a.py", b"x in {None, 'a'}") == b""
    assert compile_program.compiled("/a.py", b"x in {(1, None), 'a'}") == b""
    assert compile_program.compiled("/a.py", b"x in {1, 'a'}") != b""


def test_the_bytecode_is_what_python_would_have_written(tmp_path: Path, process: Process) -> None:
    text = b"def f(x):\n    return x + 1\n"
    found = CompileSession(process).compile(sources(tmp_path, {"lib/a.py": text}))
    module: dict[str, object] = {}
    code = __import__("marshal").loads(found["lib/a.py"][16:])
    exec(code, module)
    assert code.co_filename == "/lib/a.py"
    assert module["f"](1) == 2  # type: ignore[operator]


def test_what_does_not_compile_is_left_out(tmp_path: Path, process: Process) -> None:
    texts = {"a.py": b"x = 1\n", "b.py": b"def\n", "c.py": b"\0", "d.py": b"(" * 1000 + b")" * 1000, "e.py": b"y = 2\n"}
    assert sorted(CompileSession(process).compile(sources(tmp_path, texts))) == ["a.py", "e.py"]


CRASH = "        if b'crash' in text: os.kill(os.getpid(), SIGNAL)\n"
DYING = PROGRAM.replace("        code = compile(", CRASH + "        code = compile(")


def test_a_module_that_kills_its_compiler_is_left_out_and_the_others_are_there(tmp_path: Path) -> None:
    process = Process(DYING.replace("SIGNAL", "11"))
    texts = {f"{number}.py": b"crash" if number % 3 == 0 else b"x = 1\n" for number in range(30)}
    found = CompileSession(process).compile(sources(tmp_path, texts))
    end(process)
    assert sorted(found) == sorted(name for name, text in texts.items() if text != b"crash")


def test_want_of_memory_is_not_taken_for_what_cannot_be_compiled(tmp_path: Path) -> None:
    process = Process(DYING.replace("SIGNAL", "9"))
    with pytest.raises(CompileError, match=r"memory ran out: /a\.py"):
        CompileSession(process).compile(sources(tmp_path, {"a.py": b"crash"}))
    end(process)


def started_with(program: str, line: str) -> str:
    return program.replace("    main()\n", f"    {line}\n    main()\n")


def test_want_of_memory_that_python_tells_is_not_taken_for_what_cannot_be_compiled(tmp_path: Path) -> None:
    """As where addresses are limited: the kernel kills nobody then."""
    one = PROGRAM.replace("count = min(", "count = min(1, ")
    process = Process(started_with(one, "resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20))"))
    texts = {"a.py": b"x = 1\n", "b.py": b"x = [" + b"a.b(c), " * 400_000 + b"]\n"}
    with pytest.raises(CompileError, match=r"memory ran out: /b\.py"):
        CompileSession(process).compile(sources(tmp_path, texts))
    end(process)


def test_text_that_is_nested_too_deep_is_left_out_though_python_calls_it_want_of_memory(
    tmp_path: Path, process: Process
) -> None:
    text = b"x = " + b"-" * 20_000 + b"1\n"
    with pytest.raises(MemoryError):
        compile(text, "a.py", "exec")
    assert sorted(CompileSession(process).compile(sources(tmp_path, {"a.py": text, "b.py": b"y = 2\n"}))) == ["b.py"]


@pytest.mark.parametrize("stack", [1 << 20, 64 << 20])
def test_how_deep_a_module_may_be_nested_does_not_depend_on_the_stack_that_the_engine_gives(
    tmp_path: Path, stack: int
) -> None:
    most = resource.getrlimit(resource.RLIMIT_STACK)[1]
    told = "text = b'x=%d' % resource.getrlimit(resource.RLIMIT_STACK)[0]"
    telling = PROGRAM.replace("        code = compile(", f"        {told}\n        code = compile(")
    process = Process(started_with(telling, f"resource.setrlimit(resource.RLIMIT_STACK, ({stack}, {most}))"))
    found = CompileSession(process).compile(sources(tmp_path, {"a.py": b""}))
    end(process)
    assert marshal.loads(found["a.py"][16:]).co_consts[0] == compile_program.STACK


def test_a_python_that_does_not_run_is_told_in_its_own_words(tmp_path: Path) -> None:
    process = Process("raise SystemExit('no such library')")
    with pytest.raises(CompileError, match="no such library"):
        CompileSession(process).compile(sources(tmp_path, {"a.py": b"x = 1\n"}))
    end(process)


def test_threads_that_share_a_session_get_what_is_theirs(tmp_path: Path, process: Process) -> None:
    session = CompileSession(process)
    found: dict[int, dict[str, bytes]] = {}

    def one(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        texts = {f"{number}/{name}.py": b"x = %d\n" % name for name in range(50)}
        found[number] = dict(session.compile(sources(folder, texts)))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(4):
        assert sorted(found[number]) == sorted(f"{number}/{name}.py" for name in range(50))

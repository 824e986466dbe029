"""What the command answers before anything runs: help, mistakes, parameters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.commands import Answer, dockerflow, environment, refused

COMMANDS = [
    "run", "resume", "check", "show", "output-dot", "lock", "build", "setup", "doctor", "up", "down",
    "rerun", "logs", "dump", "diff",
    "inspect", "debug", "spin",
    "version", "gc", "export", "import", "runs", "tag", "images", "store", "hosts",
]  # fmt: skip


def test_help_lists_every_command() -> None:
    answer = dockerflow("--help")
    assert (answer.code, answer.stderr) == (0, "")
    listed = answer.stdout.partition("Commands:\n")[2].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in listed] == COMMANDS
    assert "..." not in answer.stdout.partition("Commands:")[2]


def test_no_words_ask_for_help() -> None:
    assert dockerflow() == dockerflow("--help")


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS), ["runs", "list"], ["runs", "kill"]])
def test_every_command_has_help(command: list[str]) -> None:
    answer = dockerflow(*command, "--help")
    assert (answer.code, answer.stderr) == (0, "")
    assert answer.stdout.startswith(" ".join(["Usage: dockerflow", *command]))
    assert "..." not in answer.stdout.partition("Commands:")[2]


def test_help_loads_no_library_that_is_slow_to_import() -> None:
    code = (
        "import sys; from dockerflow.cli.main import main; main(['--help']);"
        "sys.exit(' '.join({'rich', 'docker', 'rattler', 'conda_lock', 'yaml', 'asyncio'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("word", ["version", "--version"])
def test_the_version_is_a_command_and_an_option(word: str) -> None:
    assert dockerflow(word) == Answer(0, "dockerflow 0.1.0\n", "")


def test_completion_knows_the_commands() -> None:
    answer = dockerflow(_DOCKERFLOW_COMPLETE="complete_bash", COMP_WORDS="dockerflow ru", COMP_CWORD="1")
    assert answer.stdout.split() == ["run", "runs"]


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("dockerflow run ", ["hello.py"]),
        ("dockerflow show he", ["hello.py"]),
        ("dockerflow run hello.py --g", ["--greet_with"]),
        ("dockerflow run hello.py --max-w", ["--max-workers"]),
        ("dockerflow run hello.py --max-workers 2 --pe", ["--people"]),
    ],
)
def test_completion_knows_flow_files_and_their_parameters(folder: Path, words: str, completed: list[str]) -> None:
    """The file is not imported for that: a library that is missing here, or slow, would stand in the way."""
    with (folder / "hello.py").open("a") as stream:
        stream.write("raise SystemExit('imported')\n")
    count = str(len(words.split(" ")) - 1)
    answer = dockerflow(cwd=folder, _DOCKERFLOW_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=count)
    assert answer.stdout.split() == completed


# ---- mistakes


def test_an_unknown_command_is_answered_with_the_nearest() -> None:
    error = "there is no command `dockerflow chekc`"
    refused("chekc", code=2, error=error, hint="did you mean `dockerflow check`?")


def test_a_word_like_no_command_is_answered_with_where_they_are_listed() -> None:
    error = "there is no command `dockerflow qqqq`"
    refused("qqqq", code=2, error=error, hint="`dockerflow --help` lists the commands")


def test_an_unknown_command_of_a_group_is_answered_with_the_nearest() -> None:
    error = "there is no command `dockerflow runs lst`"
    refused("runs", "lst", code=2, error=error, hint="did you mean `dockerflow runs list`?")


def test_a_command_of_metaflows_is_answered_with_what_does_the_same() -> None:
    hint = "the page is what `get_cards` of `dockerflow.cards` gives for a task"
    refused("card", "view", code=2, error="there is no command `dockerflow card`", hint=hint)


def test_one_word_too_many_is_named(folder: Path) -> None:
    error, hint = "unexpected argument `more`", "`dockerflow check --help` shows how it is used"
    refused("check", "hello.py", "more", code=2, error=error, hint=hint, cwd=folder)


def test_a_flow_file_in_place_of_a_command_is_answered_with_run(folder: Path) -> None:
    hint = "run it with `dockerflow run hello.py`"
    refused("hello.py", code=2, error="`hello.py` is a file, not a command", hint=hint, cwd=folder)


def test_an_unknown_option_is_answered_with_the_nearest() -> None:
    refused("--versoin", code=2, error="`dockerflow` has no option `--versoin`", hint="did you mean `--version`?")


def test_an_option_without_its_value_says_so() -> None:
    hint = "`dockerflow run --help` shows how it is used"
    refused("run", "f.py", "--flow", code=2, error="option `--flow` requires an argument", hint=hint)


def test_a_missing_argument_says_so() -> None:
    refused("check", code=2, error="missing argument `FLOW.PY`", hint="`dockerflow check --help` shows how it is used")


def test_run_without_a_file_says_so() -> None:
    refused("run", code=2, error="the flow file is missing", hint="write `dockerflow run flow.py`")


def test_a_choice_that_is_none_says_what_there_is() -> None:
    error = "invalid value for `--engine`: `moon` is not one of `docker`, `process`"
    refused("run", "f.py", "--engine", "moon", code=2, error=error, hint="`dockerflow run --help` shows how it is used")


@pytest.mark.parametrize(
    ("value", "expected"), [("many", "a whole number"), ("1.5", "a whole number"), ("0", "1 or more")]
)
def test_a_number_that_is_none_is_told_in_our_words(value: str, expected: str) -> None:
    refused(
        "run", "--max-workers", value, "hello.py",
        code=2, error=f"invalid value for `--max-workers`: it must be {expected}",
        hint="`dockerflow run --help` shows how it is used",
    )  # fmt: skip


@pytest.mark.parametrize("command", ["run", "check", "show"])
def test_a_file_that_is_not_there_says_so(command: str, tmp_path: Path) -> None:
    answer = dockerflow(command, "nope.py", cwd=tmp_path)
    assert (answer.code, answer.stdout) == (3, "")
    assert answer.stderr.startswith("error: flow file `nope.py` does not exist\n")


@pytest.mark.parametrize("command", ["run", "check", "show"])
def test_a_folder_in_place_of_a_file_says_so(command: str, tmp_path: Path) -> None:
    answer = dockerflow(command, str(tmp_path))
    assert (answer.code, answer.stdout) == (3, "")
    assert answer.stderr.startswith(f"error: `{tmp_path}` is ")


def test_a_file_that_does_not_import_shows_the_users_frames_alone(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("x = 1\ny = x / 0\n")
    answer = dockerflow("run", "bad.py", cwd=tmp_path)
    assert (answer.code, answer.stdout) == (3, "")
    assert "ZeroDivisionError: division by zero" in answer.stderr
    assert answer.stderr.count("  File ") == 1


def test_a_mistake_of_our_own_names_a_file_with_its_traceback(tmp_path: Path) -> None:
    code = "import sys; sys.modules['dockerflow.cli.checking'] = None; from dockerflow.cli import main as program"
    words = [sys.executable, "-c", f"{code}; sys.exit(program.main())", "check", "x.py"]
    done = subprocess.run(words, env=environment(TMPDIR=str(tmp_path)), capture_output=True, text=True, timeout=60)
    [saved] = tmp_path.iterdir()
    assert (done.returncode, done.stdout) == (70, "")
    assert "Traceback" not in done.stderr
    assert str(saved) in done.stderr
    assert "ModuleNotFoundError" in done.stderr
    assert "Traceback (most recent call last)" in saved.read_text()
    assert "'check', 'x.py'" in saved.read_text()


# ---- parameters


def test_help_of_a_flow_lists_its_parameters_with_type_default_and_help(folder: Path) -> None:
    answer = dockerflow("run", "hello.py", "--help", cwd=folder)
    assert (answer.code, answer.stderr) == (0, "")
    assert "Greet a few people." in answer.stdout
    section = answer.stdout.partition("Parameters of Hello:\n")[2].partition("\n\n")[0]
    assert section.splitlines() == [
        "  --people INTEGER   How many people.  [default: 2]",
        "  --greet_with TEXT  [default: hello]",
        "  --fail true|false  [default: False]",
    ]
    assert "--max-workers" in answer.stdout


def test_help_may_stand_before_the_file(folder: Path) -> None:
    assert dockerflow("run", "--help", "hello.py", cwd=folder) == dockerflow("run", "hello.py", "--help", cwd=folder)


def test_a_parameter_that_the_flow_lacks_is_answered_with_the_nearest(folder: Path) -> None:
    error, hint = "`dockerflow run hello.py` has no option `--poeple`", "did you mean `--people`?"
    refused("run", "hello.py", "--poeple", "3", code=2, error=error, hint=hint, cwd=folder)


def test_an_option_of_ours_that_is_mistyped_is_found_too(folder: Path) -> None:
    error, hint = "`dockerflow run hello.py` has no option `--max-worker`", "did you mean `--max-workers`?"
    refused("run", "hello.py", "--max-worker", "3", code=2, error=error, hint=hint, cwd=folder)


def test_a_parameter_before_the_file_says_where_it_belongs(folder: Path) -> None:
    error = "`dockerflow run` has no option `--people`, and no flow file stands before it"
    hint = "options that belong to the flow stand after its file: `dockerflow run flow.py --people …`"
    refused("run", "--people", "3", "hello.py", code=2, error=error, hint=hint, cwd=folder)


def test_a_value_of_the_wrong_type_says_what_was_expected(folder: Path) -> None:
    answer = dockerflow("run", "hello.py", "--people", "many", cwd=folder)
    assert (answer.code, answer.stdout) == (3, "")
    assert answer.stderr.startswith("error: parameter `people` is `many`; expected a whole number")


def with_parameter(parameter: str) -> str:
    flow = f"from dockerflow import FlowSpec, Parameter, step\nclass F(FlowSpec):\n    a = {parameter}\n"
    return f"{flow}    @step\n    def start(self): self.next(self.end)\n    @step\n    def end(self): pass\n"


def test_a_required_parameter_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text(with_parameter("Parameter('alpha', required=True)"))
    answer = dockerflow("run", "f.py", cwd=tmp_path)
    assert (answer.code, answer.stdout) == (3, "")
    assert answer.stderr.startswith("error: parameter `alpha` is required\n\nhint: ")


def test_a_parameter_with_the_name_of_an_option_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text(with_parameter("Parameter('max-workers')"))
    answer = dockerflow("run", "f.py", cwd=tmp_path)
    assert answer.code in (2, 3)
    assert "max-workers" in answer.stderr
    assert answer.stdout == ""


def test_a_run_id_file_in_no_folder_is_refused_before_the_run(folder: Path) -> None:
    answer = dockerflow("run", "hello.py", "--run-id-file", "no/id", cwd=folder)
    assert (answer.code, answer.stdout) == (2, "")
    assert list((folder / ".dockerflow").iterdir()) == []


# ---- check and show


def test_check_prints_every_problem_with_its_line(tmp_path: Path) -> None:
    flow = (
        "from dockerflow import FlowSpec, step\n\n\nclass F(FlowSpec):\n"
        "    @step\n    def start(self):\n        self.next(self.nowhere)\n\n"
        "    @step\n    def alone(self):\n        self.next(self.end)\n\n"
        "    @step\n    def end(self):\n        pass\n"
    )
    (tmp_path / "f.py").write_text(flow)
    answer = dockerflow("check", "f.py", cwd=tmp_path)
    assert (answer.code, answer.stderr) == (3, "")
    assert answer.lines[0].startswith("f.py:7: ")
    assert "nowhere" in answer.lines[0]
    assert answer.lines[-1].startswith("F: 3 steps, ")
    assert len([line for line in answer.lines if line.startswith("f.py:")]) >= 1


def test_check_reads_the_files_that_the_flow_names(tmp_path: Path) -> None:
    flow = (
        "from dockerflow import FlowSpec, conda, pypi, pypi_base, step\n\n@pypi_base(file='requirements.txt')\n"
        "class F(FlowSpec):\n"
        "    @step\n    def start(self):\n        self.next(self.end)\n\n"
        "    @conda(libraries={'numpy': '>=1 <2'})\n    @pypi(file='gone.txt')\n"
        "    @step\n    def end(self):\n        pass\n"
    )
    (tmp_path / "f.py").write_text(flow)
    (tmp_path / "requirements.txt").write_text("numpy\n-e .\n")
    answer = dockerflow("check", "f.py", cwd=tmp_path)
    assert (answer.code, answer.stderr) == (3, "")
    assert [line.partition(": ")[0] for line in answer.lines if not line.startswith("  hint")] == [
        "f.py:10",
        "requirements.txt:2",
        "F",
    ]


def test_check_reads_the_locks_that_the_flow_names(tmp_path: Path) -> None:
    flow = (
        "from dockerflow import FlowSpec, conda, step\n\n\nclass F(FlowSpec):\n"
        "    @conda(lock='conda-lock.yml')\n    @step\n    def start(self):\n        self.next(self.end)\n\n"
        "    @step\n    def end(self):\n        pass\n"
    )
    (tmp_path / "f.py").write_text(flow)
    (tmp_path / "conda-lock.yml").write_text("dependencies:\n- python\n")
    answer = dockerflow("check", "f.py", cwd=tmp_path)
    assert (answer.code, answer.stderr) == (3, "")
    assert "conda-lock.yml:1` cannot be used" in answer.lines[0]
    assert answer.lines[1] == "  hint: this is an environment file: name it as `@conda(file=...)`"


def test_check_of_a_sound_flow_says_so(folder: Path) -> None:
    assert dockerflow("check", "hello.py", cwd=folder) == Answer(0, "Hello: 4 steps, no problems\n", "")


def test_show_draws_the_flow_without_colours_in_a_pipe(folder: Path) -> None:
    answer = dockerflow("show", "hello.py", cwd=folder)
    assert (answer.code, answer.stderr) == (0, "")
    assert answer.lines[:2] == ["Hello  hello.py:8", "Greet a few people."]
    assert answer.lines[answer.lines.index("● start") :] == [
        "● start",
        "│   Find them.",
        "│   python 3.11, no libraries",
        "│",
        "├── ● greet  for each of numbers",
        "│       python 3.11, no libraries",
        "│",
        "● join  joins greet",
        "│   python 3.11, no libraries",
        "│",
        "● end",
        "    python 3.11, no libraries",
    ]
    assert "\x1b" not in answer.stdout


def test_an_encoding_that_lacks_a_character_ends_nothing(folder: Path) -> None:
    answer = dockerflow("show", "hello.py", cwd=folder, PYTHONIOENCODING="ascii")
    assert (answer.code, answer.stderr) == (0, "")
    assert "? start" in answer.stdout

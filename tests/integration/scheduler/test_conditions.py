"""What decorators say about how tasks run, over whole runs on the process engine."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from dockerflow import progress
from dockerflow.cards import get_cards
from dockerflow.client import Run
from dockerflow.config import load_config
from dockerflow.flow.current import current
from dockerflow.flow.errors import FlowError
from dockerflow.flow.given import Given
from dockerflow.flow.loading import load
from dockerflow.flow.parameters import resolve
from dockerflow.flow.project import project_of
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.launch import RunOutcome, RunRequest, launch
from dockerflow.store.directory import DirectoryStore

HEAD = """
import os, time
from dockerflow import FlowSpec, Parameter, batch, card, catch, current, environment, kubernetes, project, resources
from dockerflow import retry, schedule, secrets, step, timeout, trigger, user_step_decorator
from dockerflow.cards import Artifact, Markdown, MetaflowCardComponent
from dockerflow.exception import TimeoutException
"""


class Runner:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[progress.Event] = []

    def __call__(self, source: str, *decorators: str, branch: str | None = None) -> RunOutcome:
        file = self.folder / "flow.py"
        file.write_text(HEAD + textwrap.dedent(source))
        loaded = load(file, given=Given(decorators=decorators))
        project = project_of(loaded.flow, "ada", branch)
        with current.launching(loaded.flow, project):
            values = resolve(loaded, {})
        request = RunRequest(
            loaded=loaded,
            parameters=values,
            config=load_config(self.folder),
            store=DirectoryStore(self.folder / ".dockerflow"),
            user="ada",
            max_workers=2,
            engine="process",
            project=project,
        )
        return launch(request, self.told.append)

    def read(self, outcome: RunOutcome) -> Any:
        name = f"{outcome.flow}/{outcome.run_id}"
        return Run(name, store=DirectoryStore(self.folder / ".dockerflow"), _namespace_check=False)

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, progress.Noted)]


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def test_a_caught_time_limit_keeps_what_was_set_before_it(run: Runner) -> None:
    outcome = run("""
    class Slow(FlowSpec):
        @timeout(seconds=0.3)
        @catch(var="failed")
        @retry(times=1, minutes_between_retries=0)
        @step
        def start(self):
            self.attempt = current.retry_count
            while True:
                time.sleep(1)
            self.after = True
            self.next(self.end)

        @step
        def end(self):
            pass
    """)
    assert outcome.status == "succeeded"
    data = run.read(outcome)["start"].task.data
    assert data.attempt == 1
    assert data.failed.type == "dockerflow.flow.errors.TimeoutException"
    assert data.failed.exception == "Step start timed out after 0 hours, 0 minutes, 0.3 seconds"
    assert not hasattr(data, "after")


def test_variables_are_those_of_their_step_alone(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEVEL", raising=False)
    outcome = run("""
    LEVEL = os.environ.get("LEVEL")

    class Varied(FlowSpec):
        @environment(vars={"LEVEL": 3, "EMPTY": None})
        @step
        def start(self):
            self.found = LEVEL, os.environ["LEVEL"], os.environ["EMPTY"]
            self.next(self.end)

        @step
        def end(self):
            self.here = LEVEL
    """)
    read = run.read(outcome)
    assert read["start"].task.data.found == ("3", "3", "None")
    assert read["end"].task.data.here is None


SECRETIVE = """
    class Secretive(FlowSpec):
        @secrets(sources=["env:TOKEN", "file:.env", "file:more.json", "KEY=file:key.pem"])
        @step
        def start(self):
            self.found = {name: len(os.environ[name]) for name in ("TOKEN", "A", "B", "C", "D", "KEY")}
            self.next(self.other)

        @secrets(sources=["OTHER=env:OTHER_TOKEN"])
        @step
        def other(self):
            self.found = len(os.environ["OTHER"])
            self.next(self.end)

        @step
        def end(self):
            self.found = [name for name in ("A", "B", "C", "D", "KEY", "OTHER") if name in os.environ]
"""


def test_secrets_come_from_variables_and_files(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "1")
    monkeypatch.setenv("OTHER_TOKEN", "h1dden-8")
    (run.folder / ".env").write_text("# a comment\n\nA=22\nexport B='333' \nC=\"4 4 4 \"\n")
    (run.folder / "more.json").write_text('{"D": "66666"}')
    (run.folder / "key.pem").write_text("7\n7\n7\n")
    outcome = run(SECRETIVE)
    assert outcome.status == "succeeded", outcome.reason
    read = run.read(outcome)
    assert read["start"].task.data.found == {"TOKEN": 1, "A": 2, "B": 3, "C": 6, "D": 5, "KEY": 5}
    assert read["other"].task.data.found == 8
    assert read["end"].task.data.found == []
    kept = [path for path in (run.folder / ".dockerflow").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if b"h1dden-8" in path.read_bytes()]
    assert "h1dden-8" not in repr(run.told)


def test_all_missing_secrets_are_named_before_there_is_a_run(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKEN", raising=False)
    monkeypatch.delenv("OTHER_TOKEN", raising=False)
    (run.folder / ".env").write_text("A=1\nh1dden without a name\n")
    (run.folder / "more.json").write_text('["h1dden"]')
    with pytest.raises(RunError) as error:
        run(SECRETIVE)
    folder = run.folder
    assert error.value.message.splitlines() == [
        "secrets cannot be read",
        "  step `start`: the variable `TOKEN` is not set",
        f"  step `start`: line 2 of `{folder}/.env` is no `NAME=value`",
        f"  step `start`: `{folder}/more.json` holds no JSON object whose values are texts",
        f"  step `start`: `{folder}/key.pem` cannot be read: No such file or directory",
        "  step `other`: the variable `OTHER_TOKEN` is not set",
    ]
    assert not (folder / ".dockerflow").exists()


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        ("'A=env:TOKEN', 'A=env:TOKEN'", "`A` comes from two sources"),
        ("'LEVEL=env:TOKEN'", "`LEVEL` is set by `@environment` as well"),
    ],
)
def test_a_variable_has_one_source(run: Runner, monkeypatch: pytest.MonkeyPatch, sources: str, said: str) -> None:
    monkeypatch.setenv("TOKEN", "h1dden")
    with pytest.raises(RunError) as error:
        run(f"""
    class Twice(FlowSpec):
        @secrets(sources=[{sources}])
        @environment(vars={{"LEVEL": "1"}})
        @step
        def start(self):
            self.next(self.end)

        @step
        def end(self):
            pass
        """)
    assert said in error.value.message
    assert "h1dden" not in error.value.message


PROJECT = """
    @project(name="films")
    class Trained(FlowSpec):
        where = Parameter("where", default=lambda context: current.project_flow_name)

        @step
        def start(self):
            self.found = current.project_name, current.branch_name, current.project_flow_name, current.is_production
            self.next(self.end)

        @step
        def end(self):
            pass
"""


def test_tasks_and_parameters_know_the_project(run: Runner) -> None:
    outcome = run(PROJECT, branch="b")
    read = run.read(outcome)
    assert read.data.found == ("films", "test.b", "films.test.b.Trained", False)
    assert read.data.where == "films.test.b.Trained"
    assert {"project:films", "project_branch:test.b"} <= read.system_tags


def test_decorators_of_the_command_line_are_on_every_step_that_has_none_of_their_kind(run: Runner) -> None:
    outcome = run(
        """
    class Attached(FlowSpec):
        @step
        def start(self):
            self.attempt = current.retry_count
            if self.attempt < 2:
                raise ValueError
            self.next(self.own)

        @environment(vars={"A": "own"})
        @step
        def own(self):
            self.a = os.environ["A"], os.environ.get("B")
            self.next(self.end)

        @step
        def end(self):
            self.a = os.environ["A"], os.environ.get("B")
    """,
        "retry:times=2,minutes_between_retries=0",
        'environment:vars={"A": "given", "B": 1}',
    )
    assert outcome.status == "succeeded", outcome.reason
    read = run.read(outcome)
    assert read["start"].task.data.attempt == 2
    assert read["own"].task.data.a == ("own", None)
    assert read["end"].task.data.a == ("given", "1")


def test_a_decorator_that_a_user_has_written_is_attached_by_its_name(run: Runner) -> None:
    outcome = run(
        """
    @user_step_decorator
    def noted(step_name, flow, inputs, attributes):
        flow.noted = attributes["text"]
        yield

    class Noted(FlowSpec):
        @step
        def start(self):
            self.next(self.end)

        @step
        def end(self):
            pass
    """,
        "flow.noted:text=hello, you",
    )
    assert run.read(outcome)["end"].task.data.noted == "hello, you"


PLAIN = """
    class Plain(FlowSpec):
        @step
        def start(self):
            self.next(self.end)

        @step
        def end(self):
            pass
"""


@pytest.mark.parametrize(
    ("decorator", "message", "hint"),
    [
        ("retri", "`--with retri` names no decorator of steps", "did you mean `retry`?"),
        ("project:name=x", "`--with project` names no decorator of steps", None),
        ("nowhere.Thing", "the decorator `nowhere.Thing` cannot be imported: No module named 'nowhere'", None),
        ("retry:3", "`3` in the decorator `retry:3` is no option with a value", None),
        ("retry:times=x", "--with retry:times=x: `times` of `@retry` is `'x'`; expected a whole number", None),
        ("retry:time=2", "--with retry:time=2: `@retry` has no option `time`", None),
    ],
)
def test_a_wrong_decorator_of_the_command_line_is_refused(
    run: Runner, decorator: str, message: str, hint: str | None
) -> None:
    with pytest.raises(FlowError) as error:
        run(PLAIN, decorator)
    assert message in error.value.message
    assert hint in (None, error.value.hint)


def test_what_a_run_passes_over_is_said_once(run: Runner) -> None:
    run(
        """
    @schedule(daily=True)
    @trigger(event="x")
    class Passing(FlowSpec):
        @batch(queue="q", image="python:3.11")
        @step
        def start(self):
            self.next(self.end)

        @kubernetes(gpu=0)
        @resources(disk=1000)
        @step
        def end(self):
            pass
    """
    )
    assert run.notes == [
        "`@schedule`, `@trigger`: not for runs that a person starts, and ignored",
        "`@batch`, `@kubernetes`: steps `start`, `end` run here; "
        "resources and image count, what is for a cluster is ignored",
        "`disk` of step `end`: Docker sets no limit to it, so all of the disk can be used",
    ]


def test_a_card_shows_the_task_and_what_its_step_has_put_there(run: Runner) -> None:
    outcome = run("""
    class Carded(FlowSpec):
        year = Parameter("year", default=1999)

        @card
        @card(type="blank", id="notes", options={"title": "Notes"})
        @step
        def start(self):
            self.films = ["Brazil & <Alien>"]
            current.card.append(Markdown("# Seen"))
            current.card["notes"].append(Markdown("only *this*"))
            self.next(self.end)

        @card
        @step
        def end(self):
            pass
    """)
    read = run.read(outcome)
    first, notes = get_cards(read["start"].task)
    assert (first.type, first.id, notes.type, notes.id) == ("default", None, "blank", "notes")
    for text in (
        f"Carded/{outcome.run_id}/start/1",
        "<h1>Seen</h1>",
        "<b>films</b>",
        "Brazil &amp; &lt;Alien&gt;",
        "1999",
    ):
        assert text in first.get()
    assert "only <em>this</em>" in notes.get()
    assert "films" not in notes.get()
    assert [card.id for card in get_cards(read["start"].task, id="notes")] == ["notes"]
    (last,) = get_cards(read["end"].task)
    assert "Seen" not in last.get()
    assert "<b>films</b>" in last.get()
    assert "_cards" not in [artifact.id for artifact in read["end"].task]


def test_a_card_that_cannot_be_made_fails_nothing(run: Runner) -> None:
    outcome = run("""
    class Endless(MetaflowCardComponent):
        def render(self):
            while True:
                try:
                    time.sleep(1)
                except Exception:
                    pass

    class Broken(FlowSpec):
        @card(timeout=0.3)
        @card(id="quiet", timeout=0.3, save_errors=False)
        @card(id="good")
        @step
        def start(self):
            for name in ("quiet", "good"):
                current.card[name].append(Artifact(1))
            current.card.append(Endless())
            current.card["quiet"].append(Endless())
            self.next(self.end)

        @step
        def end(self):
            pass
    """)
    assert outcome.status == "succeeded"
    task = run.read(outcome)["start"].task
    assert [(card.type, card.id) for card in get_cards(task)] == [("error", None), ("default", "good")]
    assert "it took longer than 0.3 seconds" in get_cards(task)[0].get()
    assert task.stderr.count("could not be made: it took longer than 0.3 seconds") == 2


def test_a_card_of_a_type_that_is_not_there_is_a_default_one_with_a_warning(run: Runner) -> None:
    outcome = run("""
    class Odd(FlowSpec):
        @card(type="blnk")
        @step
        def start(self):
            self.next(self.end)

        @step
        def end(self):
            pass
    """)
    task = run.read(outcome)["start"].task
    (made,) = get_cards(task)
    assert (made.type, "<h1>Odd/" in made.get()) == ("blnk", True)
    assert "@card: there is no card of type `blnk`: step `start` gets a default one" in task.stderr

"""What the decorators ask for that say how tasks run, those of whole flows, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.flow.definition import (
    AskedProject,
    Card,
    Conda,
    Elsewhere,
    Environment,
    Flow,
    Image,
    Isolation,
    Parallel,
    Resources,
    Secrets,
    SecretSource,
    StepDecorator,
    Timeout,
)
from tests.unit.flow.sources import found, loaded

IMPORTS = """
        from dockerflow import airflow_external_task_sensor, airflow_s3_key_sensor, batch, card, environment, exit_hook
        from dockerflow import isolation, kubernetes, project, pytorch_parallel, schedule, secrets, timeout, trigger
        from dockerflow import trigger_on_finish
"""


def source(decorators: str, on_class: str = "") -> str:
    lines = "\n".join(f"            {line}" for line in decorators.splitlines())
    return f"""{IMPORTS}
        {on_class or "# none"}
        class F(FlowSpec):
{lines}
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self):
                pass
"""


def start(folder: Path, decorators: str, on_class: str = "") -> tuple[StepDecorator, ...]:
    flow = loaded(folder, source(decorators, on_class)).flow
    assert flow.problems == ()
    return flow.steps["start"].decorators


@pytest.mark.parametrize(
    ("decorator", "value"),
    [
        ("@isolation(level='container')", Isolation("container")),
        ("@timeout(seconds=90)", Timeout(seconds=90)),
        ("@timeout(minutes='1', hours=2, seconds=0)", Timeout(0, 1, 2)),
        ("@environment(vars={'B': 2, 'A': None})", Environment((("A", "None"), ("B", "2")))),
        ("@environment", Environment()),
        ("@secrets", Secrets()),
        ("@secrets(sources=['env:TOKEN'], role='r')", Secrets((SecretSource("env", "TOKEN"),))),
        ("@secrets(sources=['T=env:TOKEN'])", Secrets((SecretSource("env", "TOKEN", "T"),))),
        (
            "@secrets(sources=[{'type': 'inline', 'id': 'x', 'options': {'env_vars': {'A': '1'}}}])",
            Secrets((SecretSource("inline", "x", None, (("A", "1"),)),)),
        ),
        (
            "@secrets(sources=[{'type': 'env', 'id': 'T', 'options': {'variable': 'U'}}], allow_override=True)",
            Secrets((SecretSource("env", "T", "U"),), True),
        ),
        ("@card", Card()),
        ("@card(type='blank', id='a', options={'title': 'x'})", Card("blank", "a", (("title", "x"),))),
        (
            "@card(timeout='5', customize=True, save_errors=False, refresh_interval=1)",
            Card("default", None, (), 5, True, False),
        ),
        ("@pytorch_parallel", Parallel()),
        ("@pytorch_parallel(master_port=3000)", Parallel()),
    ],
)
def test_decorator_is_read_as_its_value(decorator: str, value: StepDecorator, tmp_path: Path) -> None:
    assert start(tmp_path, decorator) == (value,)


def test_time_limit_is_the_sum_of_its_parts() -> None:
    assert Timeout(1, 1, 1).limit == 3661


def test_secrets_in_files_are_looked_for_beside_the_flow(tmp_path: Path) -> None:
    (secrets,) = start(tmp_path, "@secrets(sources=['file:.env', 'file:a/b.json', 'KEY=file:/etc/key.pem'])")
    assert isinstance(secrets, Secrets)
    assert [(each.name, each.variable) for each in secrets.sources] == [
        (f"{tmp_path}/.env", None),
        (f"{tmp_path}/a/b.json", None),
        ("/etc/key.pem", "KEY"),
    ]


def test_values_of_secrets_are_in_no_representation(tmp_path: Path) -> None:
    spec = "@secrets(sources=[{'type': 'inline', 'options': {'env_vars': {'A': 'hidden'}}}])"
    assert "hidden" not in repr(start(tmp_path, spec))


def test_a_step_may_have_several_cards(tmp_path: Path) -> None:
    assert start(tmp_path, "@card(id='a')\n@card(id='b')") == (Card(id="a"), Card(id="b"))


@pytest.mark.parametrize(
    ("decorators", "values"),
    [
        ("@batch", (Elsewhere("batch"),)),
        ("@kubernetes(cpu='2', memory=500)", (Resources(2.0, 500), Elsewhere("kubernetes"))),
        (
            "@batch(cpu=2, memory=500, gpu='1')\n@resources(cpu=4, memory='100')",
            (Resources(4.0, 500, 1), Elsewhere("batch")),
        ),
        (
            "@resources(shared_memory=10)\n@kubernetes(shared_memory=64, disk=9)",
            (Resources(disk=9, shared_memory=64), Elsewhere("kubernetes")),
        ),
        ("@batch(image='python:3.11', queue='q', iam_role='r')", (Image("python:3.11"), Elsewhere("batch"))),
        (
            "@batch(image='python:3.11')\n@conda(libraries={'a': '1'})",
            (Conda((("a", "1"),)), Elsewhere("batch", passed_over="python:3.11")),
        ),
        (
            "@kubernetes(image='python:3.11')\n@conda(disabled=True)",
            (Image("python:3.11"), Conda(disabled=True), Elsewhere("kubernetes")),
        ),
        (
            "@kubernetes(image='python:3.11')\n@image('debian:12')",
            (Image("debian:12"), Elsewhere("kubernetes", passed_over="python:3.11")),
        ),
    ],
)
def test_what_is_for_another_machine_is_merged_into_the_step(
    decorators: str, values: tuple[StepDecorator, ...], tmp_path: Path
) -> None:
    read = start(tmp_path, decorators)
    places = tuple(Elsewhere(v.word, 0, v.passed_over) if isinstance(v, Elsewhere) else v for v in read)
    assert places == values


@pytest.mark.parametrize(
    ("decorator", "message"),
    [
        (
            "@isolation(level='vm')",
            '`level` of `@isolation` is `\'vm\'`; expected "fork", "interpreter" or "container"',
        ),
        ("@timeout", "`@timeout` names no time"),
        ("@timeout(seconds=0)", "`@timeout` names no time"),
        ("@timeout(seconds=-1)", "`seconds` of `@timeout` is `-1`; expected a number, 0 or more"),
        ("@timeout(5)", "`@timeout` is given a value without its option's name"),
        ("@timeout(second=5, minutes=1)", "`@timeout` has no option `second`"),
        (
            "@environment(vars=['A'])",
            "`vars` of `@environment` is `['A']`; "
            'expected a dictionary from variable to value, like `{"LEVEL": "debug"}`',
        ),
        ("@environment(vars={1: 'A'})", "`vars` of `@environment` is `1`; expected names of variables as its keys"),
        (
            "@environment(vars={'A=B': 'A'})",
            "`vars` of `@environment` is `'A=B'`; expected names of variables as its keys",
        ),
        ("@environment(var={})", "`@environment` has no option `var`"),
        (
            "@secrets(sources=['aws-secrets-manager.db'])",
            "a source of `@secrets`: secrets of `aws-secrets-manager` cannot be read here",
        ),
        (
            "@secrets(sources=[{'type': 'az-key-vault', 'id': 'x'}])",
            "a source of `@secrets`: secrets of `az-key-vault` cannot be read here",
        ),
        ("@secrets(sources=['TOKEN'])", "a source of `@secrets`: `TOKEN` is no source of this machine"),
        (
            "@secrets(sources=['file:key.pem'])",
            "a source of `@secrets`: `key.pem` does not say which variable it is for",
        ),
        (
            "@secrets(sources=['METAFLOW_X=env:A'])",
            "a source of `@secrets`: `METAFLOW_X` begins with `METAFLOW_`, which is kept for settings",
        ),
        ("@secrets(sources=[3])", "a source of `@secrets`: a `int` where a text or a dictionary is expected"),
        (
            "@secrets(sources=[{'type': 'inline', 'options': {'env_vars': {'A': 1}}}])",
            "a source of `@secrets`: the value of `A` is no text",
        ),
        ("@secrets(source=[])", "`@secrets` has no option `source`"),
        ("@card(type=3)", '`type` of `@card` is `3`; expected a type of card, like `"blank"`'),
        ("@card(id='a b')", "`id` of `@card` is `'a b'`; expected a text of letters, digits and `_`"),
        ("@card(options=[])", "`options` of `@card` is `[]`; expected a dictionary"),
        ("@card(timeout=-1)", "`timeout` of `@card` is `-1`; expected a number of seconds, 0 or more"),
        ("@card(kind='blank')", "`@card` has no option `kind`"),
        ("@batch(node_selector='a=b')", "`@batch` has no option `node_selector`"),
        ("@kubernetes(queue='q')", "`@kubernetes` has no option `queue`"),
        ("@batch(memory='much')", "`memory` of `@batch` is `'much'`; expected a whole number of MiB above 0"),
        (
            "@batch(image='Not An Image')",
            "`image` of `@batch` is `'Not An Image'`; expected the name of an image, like `\"debian:bookworm\"`",
        ),
        ("@project(name='x')", "`@project` stands on a step"),
        ("@schedule(daily=True)", "`@schedule` stands on a step"),
    ],
)
def test_wrong_option_is_named_with_its_line(decorator: str, message: str, tmp_path: Path) -> None:
    assert found(tmp_path, source(decorator)) == [(decorator, message)]


def test_a_gang_of_pytorch_has_the_options_of_metaflows(tmp_path: Path) -> None:
    assert ("@pytorch_parallel(port=1)", "`@pytorch_parallel` has no option `port`") in found(
        tmp_path, source("@pytorch_parallel(port=1)")
    )


def test_a_step_runs_on_one_machine(tmp_path: Path) -> None:
    text = source("@batch\n@kubernetes")
    assert found(tmp_path, text) == [
        ("@kubernetes", "`@kubernetes` stands beside `@batch`: a step runs on one machine")
    ]


def flow(folder: Path, on_class: str) -> Flow:
    read = loaded(folder, source("", on_class)).flow
    assert read.problems == ()
    return read


@pytest.mark.parametrize(
    ("decorator", "project"),
    [
        ("@project(name='films')", ("films", None, None)),
        ("@project(name='films', branch='b_1', production=True)", ("films", "b_1", True)),
    ],
)
def test_a_project_is_read(decorator: str, project: tuple[object, ...], tmp_path: Path) -> None:
    asked = flow(tmp_path, decorator).project
    assert isinstance(asked, AskedProject)
    assert (asked.name, asked.branch, asked.production) == project


@pytest.mark.parametrize(
    "decorator",
    [
        "@schedule",
        "@schedule(cron='0 0 * * *', timezone='Europe/Berlin')",
        "@trigger(event='new_films')",
        "@trigger_on_finish(flow='Other')",
        "@exit_hook(on_success=[print])",
        "@airflow_external_task_sensor(external_dag_id='x')",
        "@airflow_s3_key_sensor(bucket_key='k')",
    ],
)
def test_what_means_nothing_here_is_taken(decorator: str, tmp_path: Path) -> None:
    assert flow(tmp_path, decorator).ignored == (decorator[1:].partition("(")[0],)


@pytest.mark.parametrize(
    ("decorator", "message"),
    [
        ("@project", "`@project` names no project"),
        (
            "@project(name='Films')",
            "`name` of `@project` is `'Films'`; expected lower-case letters, digits and `_`, 128 at most",
        ),
        (
            "@project(name='f', branch='a.b')",
            "`branch` of `@project` is `'a.b'`; expected lower-case letters, digits and `_`, 128 at most",
        ),
        ("@project(name='f', production=1)", "`production` of `@project` is `1`; expected True or False"),
        ("@project(title='f', name='f')", "`@project` has no option `title`"),
        ("@schedule(weekdays=True)", "`@schedule` has no option `weekdays`"),
        ("@timeout(seconds=1)", "`@timeout` stands on the class `F`, which is no step"),
    ],
)
def test_wrong_option_on_the_class_is_named_with_its_line(decorator: str, message: str, tmp_path: Path) -> None:
    assert found(tmp_path, source("", decorator)) == [(decorator, message)]

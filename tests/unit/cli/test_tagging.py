"""`dockerflow tag`: Metaflow's options over runs of real stores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dockerflow.store.directory import DirectoryStore, create
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import RunStarted
from tests.unit.cli.commands import Answer, dockerflow, refused


def begin(store: DirectoryStore, flow: str, run_id: str, user: str, *tags: str) -> None:
    journal = JournalWriter(store, flow, run_id)
    journal.append(
        RunStarted(1.0, flow, run_id, user, "", "", (), tags=tags, system_tags=(f"user:{user}", "runtime:dev"))
    )
    journal.close()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    store = create(tmp_path)
    begin(store, "Films", "7", "ada", "draft")
    begin(store, "Films", "8", "ada", "with a space")
    begin(store, "Films", "9", "bob")
    begin(store, "Books", "5", "ada")
    return tmp_path


def tags(here: Path, run: str) -> list[str]:
    return dockerflow("tag", "list", run, "--flat", "--hide-system-tags", cwd=here).lines


def test_tags_are_added_and_shown_with_those_of_the_system(here: Path) -> None:
    answer = dockerflow("tag", "add", "--run-id", "Films/7", "ü b", "draft", "user:ada", cwd=here)
    assert answer.lines == [
        "Films/7 has these tags now",
        "  draft        user",
        "  ü b          user",
        "  runtime:dev  system",
        "  user:ada     system",
    ]
    assert answer.code == 0


def test_a_run_is_named_by_its_flow_too_or_beside_it(here: Path) -> None:
    assert dockerflow("tag", "add", "--flow", "Films", "--run-id", "7", "x", cwd=here).code == 0
    assert tags(here, "Films/7") == ["draft", "x"]
    refused(
        "tag", "add", "--run-id", "7", "x",
        code=2, error="`7` may be a run of any flow", hint="name its flow too: `--run-id Flow/7`", cwd=here,
    )  # fmt: skip
    refused(
        "tag", "add", "--flow", "Books", "--run-id", "Films/7", "x",
        code=2, error="`Films/7` is no run of `Books`", hint="write `ID` or `Flow/ID`", cwd=here,
    )  # fmt: skip


def test_without_a_run_the_latest_of_the_user_is_suggested(here: Path) -> None:
    refused(
        "tag", "remove", "--flow", "Films", "x",
        code=2, error="no run is named", hint="the latest of `Films` is `--run-id 8`", cwd=here,
    )  # fmt: skip


def test_tags_are_removed_and_replaced(here: Path) -> None:
    assert dockerflow("tag", "remove", "--run-id", "Films/7", "draft", "not there", cwd=here).code == 0
    assert tags(here, "Films/7") == []
    words = ("tag", "replace", "--run-id", "Films/8", "--remove", "with a space", "--add", "a", "--add", "b", "--json")
    answer = dockerflow(*words, cwd=here)
    expected = {"run": "Films/8", "tags": ["a", "b"], "system_tags": ["runtime:dev", "user:ada"]}
    assert json.loads(answer.stdout) == expected


def test_replacing_needs_both_sides(here: Path) -> None:
    error, hint = "`tag replace` needs `--remove`", "to add tags alone, use `tag add`"
    refused("tag", "replace", "--run-id", "Films/7", "--add", "a", code=2, error=error, hint=hint, cwd=here)
    error, hint = "`tag replace` needs `--add`", "to remove tags alone, use `tag remove`"
    refused("tag", "replace", "--run-id", "Films/7", "--remove", "a", code=2, error=error, hint=hint, cwd=here)


def test_a_refused_change_changes_nothing(here: Path) -> None:
    answer = dockerflow("tag", "remove", "--run-id", "Films/7", "draft", "user:ada", cwd=here)
    assert (answer.code, answer.stderr.splitlines()[0]) == (
        2,
        "error: the tag `user:ada` is a system tag of the run and cannot be removed",
    )
    assert dockerflow("tag", "add", "--run-id", "Films/7", "fine", "", cwd=here).code == 2
    assert tags(here, "Films/7") == ["draft"]


def test_runs_of_others_are_tagged_when_their_namespace_is_named(here: Path) -> None:
    refused(
        "tag", "add", "--run-id", "Films/9", "x", code=8,
        error="run `Films/9` is not in the namespace `user:ada`",
        hint="look there with `--namespace user:bob`, or in all with `--namespace ''`", cwd=here,
    )  # fmt: skip
    for namespace, tag in (("user:bob", "x"), ("", "y")):
        assert dockerflow("tag", "add", "--run-id", "Films/9", "--namespace", namespace, tag, cwd=here).code == 0
    assert tags(here, "Films/9") == ["x", "y"]


def test_tags_are_listed_of_all_runs_of_a_flow_or_of_the_user(here: Path) -> None:
    answer = dockerflow("tag", "list", "--flow", "Films", cwd=here)
    assert answer.lines == [
        "tag           of",
        "draft         user",
        "with a space  user",
        "runtime:dev   system",
        "user:ada      system",
        "user:bob      system",
    ]
    assert "user:bob" not in dockerflow("tag", "list", "--flow", "Films", "--my-runs", cwd=here).stdout
    assert "user:bob" in dockerflow("tag", "list", "--all", cwd=here).stdout


def test_tags_are_grouped_by_run_or_by_tag(here: Path) -> None:
    by_run = dockerflow("tag", "list", "--flow", "Films", "--group-by-run", "--hide-system-tags", cwd=here)
    assert by_run.lines == ["Films/9", "  no tags", "Films/8", "  with a space  user", "Films/7", "  draft  user"]
    by_tag = dockerflow("tag", "list", "--my-runs", "--group-by-tag", cwd=here)
    assert by_tag.lines[:2] == ["draft  (user)", "  Films/7"]
    assert by_tag.lines[-4:] == ["user:ada  (system)", "  Books/5", "  Films/8", "  Films/7"]


def test_programs_get_json(here: Path) -> None:
    listed = dockerflow("tag", "list", "--my-runs", "--hide-system-tags", "--json", cwd=here)
    assert json.loads(listed.stdout) == [
        {"run": "Books/5", "tags": []},
        {"run": "Films/8", "tags": ["with a space"]},
        {"run": "Films/7", "tags": ["draft"]},
    ]
    by_tag = dockerflow("tag", "list", "Films/7", "--group-by-tag", "--hide-system-tags", "--json", cwd=here)
    assert json.loads(by_tag.stdout) == [{"tag": "draft", "of": "user", "runs": ["Films/7"]}]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--flat", "--group-by-run"), "`--flat`, `--group-by-tag` and `--group-by-run` exclude each other"),
        (("--all", "--my-runs"), "`--all` and `--my-runs` exclude each other"),
        (("Films/7", "--run-id", "Films/8"), "a run is named by `--run-id` or without it, not both"),
    ],
)
def test_options_that_contradict_each_other_are_refused(here: Path, words: tuple[str, ...], error: str) -> None:
    refused("tag", "list", *words, code=2, error=error, hint=None, cwd=here)


def test_the_list_of_runs_shows_the_tags_of_now(here: Path) -> None:
    dockerflow("tag", "add", "--run-id", "Books/5", "later", cwd=here)
    runs = json.loads(dockerflow("runs", "list", "--flow", "Books", "--json", cwd=here).stdout)
    assert [run["tags"] for run in runs] == [["later"]]


def test_a_tag_that_is_no_text_is_refused(here: Path) -> None:
    assert dockerflow("tag", "add", "--run-id", "Films/7", "\udcff", cwd=here) == Answer(
        2, "", "error: the tag '\\udcff' is no text that UTF-8 can hold\n"
    )


def test_a_flow_is_not_taken_for_a_run(here: Path) -> None:
    hint = "write `Flow/ID`; `tag list --flow Films` lists the tags of a flow's runs"
    refused("tag", "list", "Films", code=2, error="`Films` is no run", hint=hint, cwd=here)


def test_ones_own_runs_of_a_flow_that_only_others_ran_are_none(here: Path) -> None:
    answer = dockerflow("tag", "list", "--flow", "Films", "--my-runs", cwd=here, DOCKERFLOW_USER="eve")
    assert answer.code == 8
    assert answer.stderr.endswith("`user:eve`\n\nhint: leave out `--my-runs` for the runs of all users\n")

"""Results that runs leave for others: a change of any part of the key is a miss that names it, and nothing else is."""

from __future__ import annotations

import linecache
import queue
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path

import pytest

from dockerflow import progress
from dockerflow.caching import entries
from dockerflow.flow.definition import Project
from dockerflow.flow.given import Given
from dockerflow.flow.loading import load
from dockerflow.flow.view import FOREACH_STACK
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import ForeachFrame, Input, stack_of
from dockerflow.scheduler import values as v
from dockerflow.scheduler.cache_keys import Subject
from dockerflow.scheduler.reuse import Reuse
from dockerflow.store import code_package, manifest
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.records import AttemptFinished, RunStarted, StepRecord
from tests.integration.store import kinds

FLOW = """
import helpers
from dockerflow import Config, FlowSpec, Parameter, cache, card, catch, environment, resources, retry, secrets, step


def mine(function):
    return function


class F(FlowSpec):
    alpha = Parameter("alpha", default=1)
    beta = Parameter("beta", default=1)
    settings = Config("settings", default_value="{}")

    @step
    def start(self):
        self.next(self.work)

    @cache
    @step
    def work(self):
        self.y = helpers.double(self.alpha)
        self.next(self.end)

    @step
    def end(self):
        print("over")
"""
HELPER = "def double(x):\n    return 2 * x\n"


@dataclass(frozen=True)
class World:
    """All that a run could have of its own."""

    flow: str = FLOW
    helper: str = HELPER
    folder: str = "here"
    parameters: Mapping[str, object] = field(default_factory=lambda: {"alpha": 1, "beta": 1})
    artifacts: Mapping[str, object] = field(default_factory=lambda: {"x": [1, 2], "name": "a"})
    before: str = "start"
    items: tuple[object, ...] = ()
    index: int = 0
    image: str = "sha256:one"
    config: str = "{}"
    project: Project | None = None
    user: str = "ann"
    tags: tuple[str, ...] = ()
    namespace: str = "user:ann"
    version: str = "1"
    files: Mapping[str, str] = field(default_factory=dict)
    again: frozenset[str] = frozenset()
    decorators: tuple[str, ...] = ()

    def having(self, *decorators: str) -> World:
        return replace(
            self,
            flow=self.flow.replace(
                "    @cache\n", "".join(f"    {each}\n" for each in ("@cache", *decorators) if each)
            ),
        )


@dataclass(frozen=True)
class Seen:
    run_id: str  # of the result that was found; empty: none
    why: str
    notes: tuple[str, ...]
    manifest: str = field(default="", compare=False)  # of what was found


@dataclass
class Cache:
    """Runs one task of `work` after another, as far as the cache hears of them."""

    store: Store
    tmp_path: Path
    runs: int = 0
    times: float = 1e9

    def run(self, world: World | None = None, read: tuple[str, ...] | None = ("alpha",), **result: object) -> Seen:
        """Look the task up, and leave its result where there was none."""
        self.runs += 1
        told: queue.SimpleQueue[object] = queue.SimpleQueue()
        notes: list[str] = []

        def notify(event: progress.Event) -> None:
            if isinstance(event, progress.TaskLookedUp):
                notes.insert(0, event.why)
            elif isinstance(event, progress.Noted):
                notes.append(event.text)

        subject, asked, _ = self._asked(world or World())
        reuse = Reuse(subject, self.store, notify, told.put)
        reuse.look_up(asked)
        answer = told.get(timeout=60)
        assert isinstance(answer, v.LookedUp), answer
        if answer.result is None:
            own = {"y": f"result {self.runs}", "big": "z" * 70_000}
            place = {FOREACH_STACK: stack_of(asked.foreach)} if asked.foreach else {}
            made = manifest.write(self.store.blobs, {**own, **place}, {}, "work")
            record = AttemptFinished(
                self.times + self.runs, "work", asked.task_id, 0, ok=True, final=True, manifest=made, read=read
            )
            reuse.leave(replace(record, **result))
        reuse.close()
        assert told.empty()
        return Seen(answer.run_id, notes[0], tuple(notes[1:]), (answer.result and answer.result.manifest) or "")

    def _asked(self, world: World) -> tuple[Subject, v.LookUp, str]:
        blobs, folder = self.store.blobs, self.tmp_path / world.folder
        shutil.rmtree(folder, ignore_errors=True)
        for name, text in {"flow.py": world.flow, "helpers.py": world.helper, **world.files}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        linecache.clearcache()
        sys.modules.pop("helpers", None)
        loaded = load(folder / "flow.py", given=Given({"settings": world.config}, world.decorators))
        code = code_package.pack(loaded.flow.file, loaded.given, [".csv"])
        record = StepRecord("work", ("end",), platform="linux/amd64", config_digest=world.image)
        started = RunStarted(
            time=self.times + self.runs,
            flow="F",
            run_id=str(self.runs),
            user=world.user,
            tags=world.tags,
            parameters=manifest.write(blobs, dict(world.parameters), {}),
            code=blobs.put([code]),
            steps=(record,),
            flow_file="flow.py",
            version=world.version,
        )
        given = manifest.write(blobs, {**world.parameters, **world.artifacts, "xs": list(world.items)}, {}, "start")
        frames = (ForeachFrame("start", "xs", world.index, len(world.items), given),) if world.items else ()
        asked = v.LookUp(str(10 + self.runs), "work", (Input(world.before, str(self.runs), given),), frames)
        subject = Subject(loaded, started, world.project, explain=True, again=world.again, namespace=world.namespace)
        return subject, asked, given


@pytest.fixture(params=[kinds.DIRECTORY, "minio"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    bucket = None if request.param == kinds.DIRECTORY else request.getfixturevalue("minio_bucket")
    return kinds.store_of(request.param, tmp_path / "store", bucket).open()


@pytest.fixture
def cache(store: Store, tmp_path: Path) -> Cache:
    return Cache(store, tmp_path)


@pytest.fixture
def local(tmp_path: Path) -> Cache:
    """For what does not depend on the kind of the store."""
    return Cache(DirectoryStore(tmp_path / "store"), tmp_path)


def test_a_result_is_found_by_a_later_run(cache: Cache):
    assert cache.run() == Seen("", "miss: there is no earlier result to compare with", ())
    assert cache.run() == Seen("1", "hit: F/1/work/11", ())
    assert cache.run() == Seen("1", "hit: F/1/work/11", ())


OF_OPTIONS: list[tuple[str, str, str]] = [
    ("@environment(vars={'A': '1'})", "@environment(vars={'A': '2'})", "variable `A` of `@environment` differs"),
    ("", "@environment(vars={'A': '2'})", "variable `A` of `@environment` is new"),
    ("@environment(vars={'A': '1'})", "", "variable `A` of `@environment` is gone"),
    ("@card", "@card(type='blank')", "`@card` differs"),
    ("@catch(var='failed')", "@catch(var='other')", "`@catch` differs"),
    ("@resources(gpu=1)", "@resources(gpu=2)", "`@resources` differs"),
]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (World(flow=FLOW.replace("double(self.alpha)", "double(self.alpha) + 1")), "code: step `work` differs"),
        (World(flow=FLOW.replace("def mine", "def yours")), "code: `flow.py` differs"),
        (World(helper="def double(x):\n    return x + x\n"), "code: `helpers.py` differs"),
        (World(files={"table.csv": "1"}), "code: `table.csv` is new"),
        (World(artifacts={"x": [1, 3], "name": "a"}), "inputs: artifact `x` of step `start` differs"),
        (World(artifacts={"x": [1, 2]}), "inputs: artifact `name` of step `start` is gone"),
        (World(artifacts={"x": [1, 2], "name": "a", "z": 0}), "inputs: artifact `z` of step `start` is new"),
        (World(config='{"depth": 2}'), "configs: `settings` differs"),
        (World(image="sha256:two"), "image: that for linux/amd64 differs"),
        (World(project=Project("p", "user.ann", "p.user.ann.F")), "options: the project's branch is new"),
        (World(parameters={"alpha": 2, "beta": 1}), "parameters: `alpha` differs"),
    ],
)
def test_each_part_of_the_key_is_a_miss_that_names_it(changed: World, why: str, cache: Cache):
    cache.run()
    assert cache.run(changed) == Seen("", f"miss: {why}", ())
    assert cache.run(changed).run_id == "2"
    assert cache.run().run_id == "1"  # what was known stays known


@pytest.mark.parametrize(("before", "after", "why"), OF_OPTIONS)
def test_options_that_matter_are_a_miss(before: str, after: str, why: str, local: Cache):
    local.run(World().having(before))
    seen = local.run(World().having(after)).why
    assert seen.startswith("miss: options: ")
    assert why in seen


@pytest.mark.parametrize(
    "changed",
    [
        World(flow=FLOW.replace("print(", "print(1, ")),  # in another step
        World(flow=f"# a comment\n\n{FLOW}"),
        World(flow=FLOW.replace("default=1", "default=7")),
        World(helper=f"# a comment\n{HELPER}"),
        World(folder="elsewhere"),
        World(user="bob", namespace="user:bob", tags=("fast",)),
        World(version="2"),
        World(files={"notes.txt": "does not travel"}),
        World(files={"unused.py": "1"}),
        World(parameters={"alpha": 1, "beta": 5}),
        World(
            flow=FLOW.replace("    beta =", "    gamma = Parameter('gamma', default=1)\n    beta ="),
            parameters={"alpha": 1, "beta": 1, "gamma": 1},
        ),
        World().having("@retry(times=2)"),
        World().having("@resources(cpu=2, memory=2000)"),
        World().having("@catch"),
        World(decorators=("timeout:seconds=30", "isolation:level=interpreter")),
    ],
)
def test_anything_else_is_a_hit(changed: World, local: Cache):
    local.run()
    later = replace(local, times=2e9)
    assert later.run(changed) == Seen("1", "hit: F/1/work/11", ())


def test_which_secrets_a_step_is_given_counts_but_not_their_values_nor_paths(local: Cache):
    def world(source: str) -> World:
        return World().having(f"@secrets(sources=[{source}])")

    local.run(world("'env:A'"))
    assert local.run(world("'env:A'")).run_id == "1"
    assert local.run(world("'env:B'")).why == "miss: options: `@secrets` differs"
    local.run(world("{'type': 'inline', 'options': {'env_vars': {'KEY': 'one'}}}"))
    assert local.run(world("{'type': 'inline', 'options': {'env_vars': {'KEY': 'two'}}}")).run_id == "4"
    local.run(world("'TOKEN=file:/here/token'"))
    assert local.run(world("'TOKEN=file:/there/token'")).run_id == "6"
    assert local.run(world("'TOKEN=file:/there/other'")).why == "miss: options: `@secrets` differs"


def test_the_place_in_a_foreach_and_its_list_count(local: Cache):
    items = ("a", "b", "c")
    local.run(World(items=items, index=1))
    assert local.run(World(items=items, index=1)).run_id == "1"
    assert local.run(World(items=items, index=2)).why == "miss: there is no earlier result to compare with"
    assert local.run(World(items=("a", "b", "d"), index=1)).why == "miss: inputs: artifact `xs` of step `start` differs"


def test_a_result_has_its_place_in_the_foreaches_of_the_run_that_reuses_it(local: Cache):
    """The split that the other run has made goes with that run, and a join asks for the item of each input."""

    def world(beta: int) -> World:
        return World(items=("a", "b"), index=1, parameters={"alpha": 1, "beta": beta})

    local.run(world(1))
    found = local.run(world(2))
    assert found.run_id == "1"
    artifacts = manifest.read(local.store.blobs, found.manifest).artifacts
    ((step, variable, index, size, split),) = manifest.load(local.store.blobs, artifacts[FOREACH_STACK])
    assert (step, variable, index, size) == ("start", "xs", 1, 2)
    of_this_run = manifest.read(local.store.blobs, split).artifacts
    assert manifest.load(local.store.blobs, of_this_run["beta"]) == 2
    assert manifest.load(local.store.blobs, artifacts["y"]) == "result 1"
    assert local.run(world(1)).manifest != found.manifest


def test_parameters_that_other_executions_have_read_are_compared_each_with_its_own(cache: Cache):
    """A step may read one parameter, or another because of the first."""

    def world(alpha: int, beta: int) -> World:
        return World(parameters={"alpha": alpha, "beta": beta})

    cache.run(world(1, 1), read=("alpha",))
    cache.run(world(2, 1), read=("alpha", "beta"))
    assert cache.run(world(1, 9)).run_id == "1"
    assert cache.run(world(2, 1)).run_id == "2"
    assert cache.run(world(2, 3), read=("alpha", "beta")).run_id == ""
    assert cache.run(world(2, 3)).run_id == "5"
    assert cache.run(world(3, 1)).why.startswith("miss: parameters: `alpha` differs")


def test_a_step_that_reads_no_parameter_depends_on_none(local: Cache):
    local.run(read=())
    assert local.run(World(parameters={"alpha": 5, "beta": 6})).run_id == "1"


GAMMA = FLOW.replace("    beta =", "    gamma = Parameter('gamma', default=1)\n    beta =")


@pytest.mark.parametrize(
    ("asked", "changed"),
    [
        ("current.parameter_names", World(flow=GAMMA, parameters={"alpha": 1, "beta": 1, "gamma": 1})),
        ("current.graph", World(flow=GAMMA, parameters={"alpha": 1, "beta": 1, "gamma": 1})),
        ("current.tags", World(tags=("b", "a"))),
        ("current.username", World(user="bob")),
        ("current.namespace", World(namespace="user:bob")),
    ],
)
def test_what_a_step_has_asked_of_current_counts_like_a_parameter(asked: str, changed: World, local: Cache):
    local.run(read=("alpha", asked))
    assert local.run().run_id == "1"
    assert local.run(changed, read=("alpha", asked)) == Seen("", f"miss: parameters: `{asked}` differs", ())
    assert local.run(changed).run_id == "3"


def test_what_a_later_attempt_has_made_of_its_number_is_left_to_nobody(local: Cache):
    """It may be what a step does when all else has failed."""
    notes = local.run(read=("current.retry_count",), attempt=1).notes
    why = "it has asked for `current.retry_count` in a later attempt"
    assert notes == (f"step `work` has `@cache`, and its result is not kept: {why}",)
    assert local.run(read=(), attempt=1).run_id == ""
    assert local.run(read=("current.retry_count",)).run_id == "2"
    local.run(World(artifacts={"x": 1}), read=("current.retry_count",))
    assert local.run(World(artifacts={"x": 1})).run_id == "4"


def test_a_parameter_that_is_gone_is_another_value(local: Cache):
    local.run(read=("beta",))
    assert local.run(World(parameters={"alpha": 1})).why == "miss: parameters: `beta` is gone"


def test_a_result_with_a_parameter_that_the_flow_has_no_more_is_none(local: Cache):
    """It would be an artifact, which a fresh run has not, and of which two branches may have two values."""
    local.run(read=("alpha",))
    assert local.run(World(parameters={"alpha": 1})).why == "miss: parameters: `beta` is gone"
    assert local.run(World(parameters={"alpha": 1})).run_id == "2"
    assert local.run().run_id == "2"


def test_a_step_that_is_to_run_again_does_and_its_result_comes_before_older_ones(local: Cache):
    local.run()
    seen = local.run(World(again=frozenset({"work"})))
    assert seen == Seen("", "not asked: the step was named to run again, or follows that", ())
    assert local.run().run_id == "2"


@pytest.mark.parametrize("blob", ["manifest", "value"])
def test_a_hit_whose_blobs_are_gone_is_none_and_is_left_again(blob: str, cache: Cache):
    cache.run()
    (path,) = (found.key for found in cache.store.every("cache/F/work/") if "latest" not in found.key)
    name = entries.name_of(path)
    assert name is not None
    found = entries.first(cache.store, [name])
    assert found is not None
    sha256 = found.result.manifest or ""
    gone = sha256 if blob == "manifest" else manifest.read(cache.store.blobs, sha256).artifacts["big"].blob
    cache.store.blobs.delete([gone])
    assert cache.run() == Seen("", "miss: the result is no longer whole in the store", ())
    assert cache.run().run_id == "2"


def test_an_entry_that_is_gone_is_said_to_be(local: Cache):
    local.run()
    local.store.delete(*(found.key for found in list(local.store.every("cache/")) if "latest" not in found.key))
    assert local.run().why == "miss: the result is no longer in the store"


def test_entries_that_cannot_be_read_are_passed_over(cache: Cache):
    cache.run()
    for found in list(cache.store.every("cache/")):
        cache.store.put(found.key, b"[not what was written")
    assert cache.run() == Seen("", "miss: there is no earlier result to compare with", ())
    assert cache.run().run_id == "2"


@pytest.mark.parametrize("result", [{"ok": False}, {"caught": True}, {"manifest": None}])
def test_what_is_no_result_is_left_to_nobody(result: dict[str, object], local: Cache):
    local.run(**result)
    assert local.run().run_id == ""


def test_what_has_read_nobody_knows_what_is_not_left_and_that_is_said(local: Cache):
    seen = local.run(read=None)
    why = "parameters: it is not known which of them it has read"
    assert seen.notes == (f"step `work` has `@cache`, and its result is not kept: {why}",)
    assert local.run().run_id == ""


@pytest.mark.parametrize(
    ("world", "why"),
    [
        (World(image=""), "image: step `work` has no image whose digest is known"),
        (World().having("@card(options={'a': mine})"), "options: what `@card` is given is no plain value"),
    ],
)
def test_a_part_that_cannot_be_told_is_no_caching_and_is_said(world: World, why: str, local: Cache):
    for _ in range(2):
        told = "step `work` has `@cache`, and it is neither looked for in the cache nor kept there"
        assert local.run(world) == Seen("", f"not reused: {why}", (f"{told}: {why}",))


def test_inputs_that_are_gone_are_no_caching(local: Cache):
    deleted: Callable[[World], tuple[Subject, v.LookUp, str]] = local._asked

    def asked(world: World) -> tuple[Subject, v.LookUp, str]:
        subject, command, given = deleted(world)
        local.store.blobs.delete([given])
        return subject, command, given

    local._asked = asked  # type: ignore[method-assign]
    seen = local.run()
    assert seen.run_id == ""
    assert "the store cannot be read" in seen.notes[0]


def test_custom_decorators_count_with_what_they_are_given(local: Cache):
    text = FLOW.replace("def mine(function):\n    return function\n", DECORATOR)

    def world(argument: str) -> World:
        return World(flow=text, decorators=(f"flow.mine:depth={argument}",))

    local.run(world("1"))
    assert local.run(world("1")).run_id == "1"
    assert local.run(world("2")).why == "miss: options: `@mine` differs"
    assert local.run(World(flow=text).having("@mine(depth=3)")).why == "miss: code: step `work` differs"
    assert "what `@mine` is given is no plain value" in local.run(World(flow=text).having("@mine(depth=helpers)")).why


DECORATOR = """
from dockerflow import user_step_decorator


@user_step_decorator
def mine(step_name, flow, inputs, attributes):
    yield
"""


def test_the_newest_of_equal_results_counts(local: Cache):
    local.run()
    first = {found.key for found in local.store.every("cache/")}
    other = Cache(DirectoryStore(local.tmp_path / "other"), local.tmp_path, runs=7)
    other.run()
    for found in list(other.store.every("cache/")):
        if found.key not in first:
            local.store.put(found.key, other.store.get(found.key) or b"")
    for blob in list(other.store.blobs.every()):
        local.store.blobs.put([other.store.blobs.get(blob.sha256)])
    assert local.run().run_id == "8"


@pytest.fixture(autouse=True)
def _modules() -> Iterator[None]:
    """The flows of these tests have the same names, and so have the modules beside them."""
    yield
    for name in ("flow", "helpers"):
        sys.modules.pop(name, None)

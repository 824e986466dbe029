"""Ask a client what a notebook asks: errors, namespaces, tags, stored objects. Prints the answers as JSON lines.

The same script reads Metaflow's store and ours, with the settings of the store in the environment:

    python client_answers.py metaflow|dockerflow

The flow is that of `client_flow.py`, run once by `ada` with the tag `first`, and once by `bob`.
"""

from __future__ import annotations

import importlib
import json
import pickle
import sys
from collections.abc import Callable
from typing import Any

client: Any = importlib.import_module(sys.argv[1])
exception: Any = importlib.import_module(f"{sys.argv[1]}.exception")

# The errors that a notebook can handle. One of ours may be several of them.
KINDS = ("MetaflowNamespaceMismatch", "MetaflowNotFound", "MetaflowInvalidPathspec", "MetaflowTaggingError")


def ask(question: str, answer: Callable[[], Any]) -> None:
    """Print what is answered, or which error it is, the most exact that both sides have."""
    try:
        print(json.dumps([question, answer()]))
    except Exception as error:  # noqa: BLE001 - the kind of the error is the answer
        print(json.dumps([question, kind(error)]))


def kind(error: Exception) -> str:
    found = next((name for name in KINDS if isinstance(error, getattr(exception, name))), None)
    return f"raises {found or next(each for each in (KeyError, AttributeError) if isinstance(error, each)).__name__}"


def raises(expected: type, do: Callable[[], Any]) -> bool:
    try:
        do()
    except expected:
        return True
    return False


def objects(run: Any) -> dict[str, Any]:
    task = run["each"].task
    return {"flow": run.parent, "run": run, "step": run["each"], "task": task, "artifact": task["x"]}


def ask_of_names(run: Any) -> None:
    task = run["each"].task
    for what, thing in objects(run).items():
        ask(f"{what}: components", lambda thing=thing: len(thing.path_components))
        ask(f"{what}: shown as its class", lambda thing=thing: str(thing).split("(")[0])
        ask(f"{what}: parent", lambda thing=thing: thing.parent and type(thing.parent).__name__)
        ask(f"{what}: user tags", lambda thing=thing: sorted(thing.user_tags))
        ask(f"{what}: all tags", lambda thing=thing: thing.tags == thing.user_tags | thing.system_tags)
        ask(f"{what}: user in the system's", lambda thing=thing: "user:ada" in thing.system_tags)
    ask("in", lambda: [run.id in run.parent, "each" in run, "x" in task, "_" in run, "1" in run.parent, "y" in task])
    ask("trigger", lambda: run.trigger)
    ask("indexes", lambda: sorted(each.index for each in run["each"]))
    # Metaflow also lists the flow's property `name`.
    ask("artifacts", lambda: sorted({*task.artifacts._fields} - {"name"}))
    ask("artifact by dot", lambda: type(task.artifacts.x).__name__)
    ask("in data", lambda: ["x" in task.data, "y" in task.data])
    ask("has data", lambda: [hasattr(task.data, "x"), hasattr(task.data, "y")])
    ask("runtime", lambda: task.runtime_name)
    ask("lines", lambda: [line for _, line in task.loglines("stdout")])
    ask("times", lambda: run.created_at <= task.created_at <= task.finished_at <= run.finished_at)
    ask("sizes", lambda: [task.stdout_size > 0, task.stderr_size])
    ask("types of metadata", lambda: sorted({one.type for one in task.metadata if one.name.startswith("attempt")}))
    ask("path of the foreach", lambda: sorted(each.metadata_dict["foreach-execution-path"] for each in run["each"]))
    ask("user", lambda: task.metadata_dict["user"])


def ask_of_attempts(run: Any) -> None:
    retried = run["retried"].task.pathspec
    for attempt in (None, 0, 1, 2, "1", -1, "one"):
        made = lambda attempt=attempt: client.Task(retried, attempt=attempt)  # noqa: E731
        ask(f"attempt {attempt}", lambda made=made: [made().finished, made().successful, made().current_attempt])
        ask(f"attempt {attempt}: shown", lambda made=made: str(made()).partition("retried/")[2].partition("'")[2])
        ask(f"attempt {attempt}: number", lambda made=made: getattr(made().data, "number", None))
        ask(
            f"attempt {attempt}: artifacts",
            lambda made=made: [str(one).partition("/number")[2] for one in made() if one.id == "number"],
        )
        ask(f"attempt {attempt}: exception", lambda made=made: made().exception and made().exception.type)
        ask(f"attempt {attempt}: out", lambda made=made: made().stdout.strip())
        ask(
            f"attempt {attempt}: entries",
            lambda made=made: sorted(o.value for o in made().metadata if o.name == "attempt"),
        )
    ask("attempt of a flow", lambda: client.Flow("ClientFlow", attempt=0))


def ask_of_what_is_missing(run: Any) -> None:
    task = run["each"].task
    for question, wrong in {
        "no flow": lambda: client.Flow("Nothing"),
        "no run": lambda: client.Run("ClientFlow/1"),
        "no step": lambda: client.Step(f"{run.pathspec}/nothing"),
        "no task": lambda: client.Task(f"{run.pathspec}/each/999"),
        "no artifact": lambda: client.DataArtifact(f"{task.pathspec}/nothing"),
        "a run is no flow": lambda: client.Flow(run.pathspec),
        "a flow is no run": lambda: client.Run("ClientFlow"),
        "a run is no step": lambda: client.Step(run.pathspec),
    }.items():
        ask(question, wrong)
    ask("no child", lambda: [raises(KeyError, lambda up=up: up["9"]) for up in (run.parent, run, run["each"], task)])
    ask("no value", lambda: raises(AttributeError, lambda: task.data.nothing))
    ask("no such flow", lambda: raises(exception.MetaflowNotFound, lambda: client.Metaflow()["Nothing"]))


def ask_of_namespaces(of_ada: Any, of_bob: Any) -> None:
    spaces = {"ada": "user:ada", "bob": "user:bob", "a tag": "first", "nobody": "user:nobody", "all": None}
    stored = pickle.dumps(of_ada)
    for name, space in spaces.items():
        ask(f"namespace {name}", lambda space=space: [client.namespace(space), client.get_namespace()])
        ask(f"{name}: flows", lambda: [flow.id for flow in client.Metaflow()])
        ask(f"{name}: runs", lambda: [run == of_ada or run.id == of_ada.id for run in client.Flow("ClientFlow")])
        ask(f"{name}: run of ada", lambda: client.Run(of_ada.pathspec).id == of_ada.id)
        ask(f"{name}: step of bob", lambda: client.Step(f"{of_bob.pathspec}/each").id)
        ask(f"{name}: task", lambda: client.Task(of_bob["each"].task.pathspec).index is not None)
        ask(f"{name}: by id", lambda: client.Flow("ClientFlow")[of_bob.id].id == of_bob.id)
        ask(f"{name}: in", lambda: of_bob.id in client.Flow("ClientFlow"))
        ask(f"{name}: latest", lambda: client.Flow("ClientFlow").latest_run.id == of_bob.id)
        ask(f"{name}: latest successful", lambda: client.Flow("ClientFlow").latest_successful_run.id == of_bob.id)
        ask(f"{name}: is in", lambda: [of_ada.is_in_namespace(), of_bob["each"].task.is_in_namespace()])
        ask(f"{name}: stored", lambda: [step.id for step in pickle.loads(stored)])
        ask(f"{name}: already there", lambda: of_bob["last"].task.data.total)
    ask("default", lambda: [client.default_namespace(), client.get_namespace()])


def ask_of_tags(run: Any) -> None:
    changes: dict[str, Callable[[], Any]] = {
        "add": lambda: run.add_tag("a"),
        "add several": lambda: run.add_tags(["b", "c d", "ü 猫"]),
        "add a list as one": lambda: run.add_tag(["e", "f"]),
        "add again": lambda: run.add_tags(("a", "a")),
        "add a system tag": lambda: run.add_tag("user:ada"),
        "add a system tag beside": lambda: run.add_tags(["user:ada", "g"]),
        "remove": lambda: run.remove_tag("a"),
        "remove several": lambda: run.remove_tags(["b", "not there"]),
        "remove a system tag": lambda: run.remove_tags(["c d", "user:ada"]),
        "replace": lambda: run.replace_tag("c d", "h"),
        "replace with itself": lambda: run.replace_tags(["h"], ["h"]),
        "replace several": lambda: run.replace_tags(["e", "f"], ["i", "j"]),
        "replace nothing": lambda: run.replace_tags([], []),
        "replace only adds": lambda: run.replace_tags([], ["k"]),
        "empty": lambda: run.add_tag(""),
        "remove empty": lambda: run.remove_tag(""),
        "empty beside": lambda: run.add_tags(["l", ""]),
        "500": lambda: run.add_tag("x" * 500),
        "501": lambda: run.add_tag("y" * 501),
        "less again": lambda: run.remove_tag("x" * 500),
        "bytes that are no text": lambda: run.add_tag(b"\xff"),
        "surrogates": lambda: run.add_tag("\ud800"),
        "a text for a list": lambda: run.add_tags("text"),
        "no list": lambda: run.add_tags(5),
        "51 tags": lambda: run.add_tags([f"t{number}" for number in range(51)]),
    }
    for question, change in changes.items():
        ask(f"tags: {question}", change)
        ask(f"tags: {question}: now", lambda: [sorted(run.user_tags), sorted(client.Run(run.pathspec).user_tags)])
    ask("tags: of a task", lambda: sorted(client.Run(run.pathspec)["each"].task.user_tags))
    ask("runs by tags", lambda: len(list(client.Flow("ClientFlow").runs("h", "i"))))
    ask("runs by a tag of none", lambda: len(list(client.Flow("ClientFlow").runs("h", "none"))))
    ask("steps by tags", lambda: len(list(client.Run(run.pathspec).steps("h"))))
    ask("tasks by a tag of none", lambda: len(list(client.Run(run.pathspec)["each"].tasks("none"))))


def main() -> None:
    client.namespace(None)
    of_bob, of_ada = client.Flow("ClientFlow")
    ask_of_names(of_ada)
    ask_of_attempts(of_ada)
    ask_of_what_is_missing(of_ada)
    ask_of_namespaces(of_ada, of_bob)
    ask_of_tags(of_ada)


if __name__ == "__main__":
    main()

"""An artifact that this Python cannot load is looked at in the image of the step that wrote it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dockerflow import Flow, namespace
from dockerflow.artifacts.errors import CannotDecode
from dockerflow.client import writers
from dockerflow.images.gone import MissingError
from dockerflow.in_image.errors import InImageError
from dockerflow.in_image.session import look
from dockerflow.in_image.values import Question

FLOW = '''
from dockerflow import FlowSpec, conda, step


class Model:
    """Its module is not on the path of who reads it."""

    def __init__(self):
        self.weights = [1.5, 2.5]

    def __repr__(self):
        print("what is printed is no answer")
        return f"a model of {self.weights}"


class Models(FlowSpec):
    @conda(libraries={"pandas": "1.5.3"})
    @step
    def start(self):
        import pandas

        self.model = Model()
        self.frame = pandas.DataFrame({"a": [1, 2]})
        self.large = bytes(5_000_000)
        self.next(self.middle)

    @step
    def middle(self):
        self.next(self.end)

    @step
    def end(self):
        self.other = Model()
'''


@pytest.fixture(params=["folder", "bucket"])
def variables(request, variables, tmp_path, monkeypatch):
    """The environment of the command, which is ours as well, with one or the other store."""
    store = {"STORE": str(tmp_path / ".dockerflow")}
    if request.param == "bucket":
        bucket = request.getfixturevalue("minio_bucket")
        keys = {"ACCESS_KEY": bucket.server.access_key, "SECRET_KEY": bucket.server.secret_key}
        place = {"ENDPOINT": bucket.server.endpoint, "REGION": bucket.server.region}
        store = {"STORE": f"s3://{bucket.name}", **{f"S3_{name}": value for name, value in {**keys, **place}.items()}}
    changed = {**variables, **{f"DOCKERFLOW_{name}": value for name, value in store.items()}}
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    return changed


@pytest.fixture
def run(dockerflow, tmp_path):
    (tmp_path / "models_of_a_test.py").write_text(FLOW)
    dockerflow("run", "models_of_a_test.py")
    namespace(None)
    return Flow("Models").latest_run


@pytest.fixture
def model(run):
    """An artifact that two steps have passed on."""
    return run["end"].task["model"]


def test_values_are_seen_as_the_step_that_wrote_them_has_them(model, run, dockerflow):
    with pytest.raises(CannotDecode) as raised:
        _ = model.data
    assert "this Python cannot load artifact `model`, a `models_of_a_test.Model`: " in raised.value.message
    assert "\nstep `start` wrote it with python " in raised.value.message
    assert "reads it in the image of step `start`" in raised.value.hint

    assert model.open_in_image() == "a model of [1.5, 2.5]"
    assert model.open_in_image("value.weights") == [1.5, 2.5]
    frame = run["end"].task["frame"]
    assert frame.open_in_image("__import__('pandas').__version__") == "1.5.3"
    assert frame.open_in_image("value * 2").a.tolist() == [2, 4]
    assert run["end"].task["large"].open_in_image("value") == bytes(5_000_000)
    with pytest.raises(InImageError, match=r"`value\.nothing` raises AttributeError: 'Model' object has no attribute"):
        model.open_in_image("value.nothing")
    with pytest.raises(CannotDecode) as raised:
        model.open_in_image("value")
    assert raised.value.hint.startswith("let it make plain values")
    with pytest.raises(InImageError, match=r"the container in the image of step `.*` ended while it looked"):
        model.open_in_image("__import__('os')._exit(3)")

    # Gone from the engine: built again from the run's lock.
    ref = run["end"].task._refs()["model"]
    place = writers.place_of(run["end"].task, ref)
    gone = replace(place.step, image="dockerflow/step:" + "0" * 24, config_digest="", manifest_digest="")
    with pytest.warns(UserWarning, match="is gone, and the one that is taken for it is another: its lock gives"):
        assert look(replace(place, step=gone), Question(ref)) == "a model of [1.5, 2.5]"
    with pytest.raises(MissingError, match="its lock is lost"):
        look(replace(place, step=replace(gone, lock="0" * 64)), Question(ref))

    told = dockerflow("dump", run.pathspec, "--include", "model")
    assert "a model of" not in told.stdout
    assert f"`--in-image` shows it as step `start` has it, in `{place.step.image}`" in told.stderr
    assert told.stderr.count("artifact `model` is not shown") == 1
    shown = dockerflow("dump", run.pathspec, "--in-image", "--json")
    values = {a["name"]: a["value"] for task in json.loads(shown.stdout) for a in task["artifacts"]}
    assert (values["model"], values["other"], values["large"]) == ("a model of [1.5, 2.5]", values["model"], None)


def test_what_was_taken_over_by_resuming_was_written_in_the_first_run(model, run, dockerflow):
    dockerflow("resume", "models_of_a_test.py", "end", "--origin-run-id", run.id)
    resumed = Flow("Models").latest_run
    assert resumed.id != run.id
    task = resumed["end"].task
    assert writers.writer_of(task, task._refs()["model"]).pathspec == run["start"].task.pathspec
    assert writers.writer_of(task, task._refs()["other"]).pathspec == task.pathspec
    assert resumed["start"].task["model"].open_in_image("value.weights[0]") == 1.5

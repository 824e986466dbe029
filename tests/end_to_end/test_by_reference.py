"""Artifacts are read by who uses them and by nobody else: whoever passes them on needs no library and no time."""

from __future__ import annotations

FLOW = """
from dockerflow import FlowSpec, conda, step


class ByReference(FlowSpec):
    @step
    def start(self):
        self.next(self.left, self.right)

    @conda(libraries={"numpy": ""})
    @step
    def left(self):
        import numpy

        self.array = numpy.arange(1_000_000)
        self.small_array = numpy.arange(3)
        self.next(self.join)

    @conda(libraries={"pandas": "1.5.3"})
    @step
    def right(self):
        import pandas

        self.frame = pandas.DataFrame({"a": range(100_000)})
        self.next(self.join)

    @step
    def join(self, inputs):
        self.merge_artifacts(inputs)
        try:
            import numpy
        except ImportError:
            self.seen = sorted(name for name in dir(inputs.left) if name.endswith("array"))
        self.next(self.middle)

    @step
    def middle(self):
        self.next(self.end)

    @conda(libraries={"pandas": "1.5.3"})
    @step
    def end(self):
        import sys

        assert "numpy" not in sys.modules
        self.total = int(self.array.sum()) + int(self.small_array.sum()) + int(self.frame.a.sum())
        self.same = self.array
"""


def test_a_join_needs_no_library_of_its_branches_artifacts(dockerflow, results, tmp_path):
    (tmp_path / "by_reference.py").write_text(FLOW)
    dockerflow("run", "by_reference.py")
    results.namespace(None)
    run = results.Flow("ByReference").latest_run
    assert run["join"].task.data.seen == ["array", "small_array"]
    assert run.data.total == sum(range(1_000_000)) + 3 + sum(range(100_000))

    refs = {step.id: step.task._refs() for step in run}
    for name, writer in (("array", "left"), ("small_array", "left"), ("frame", "right")):
        assert all(refs[step][name] == refs[writer][name] for step in ("join", "middle", "end"))
        assert refs["end"][name].step == writer
    assert refs["end"]["same"] == refs["left"]["array"]
    # Beside the two large values each task has written one small blob, and no more.
    large = [blob for blob in run._store.blobs.every() if blob.size > 100_000 and blob.sha256 != run._source.begun.code]
    assert sorted(blob.sha256 for blob in large) == sorted([refs["left"]["array"].blob, refs["right"]["frame"].blob])

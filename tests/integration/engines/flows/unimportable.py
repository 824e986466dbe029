"""A flow whose import fails."""

from dockerflow import FlowSpec, step


class Unimportable(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


def _prepare():
    print("about to fail")
    return {}["nothing"]


_prepare()

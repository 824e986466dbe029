# Given --with 'environment:vars={"GIVEN": "a, b=c"}'
from dockerflow import FlowSpec, environment, step


class EnvironmentOfValues(FlowSpec):
    """Values that are no texts become texts; the flow's import sees them; what `--with` gives is for the other steps."""

    @environment(vars={"NUMBER": 5, "NOTHING": None, "TRUTH": True, "LIST": [1, "a"], "EMPTY": "", "FLOAT": 0.1})
    @step
    def start(self):
        import os

        self.seen = [os.environ[name] for name in ("NUMBER", "NOTHING", "TRUTH", "LIST", "EMPTY", "FLOAT")]
        self.given = os.environ.get("GIVEN")
        self.next(self.end)

    @step
    def end(self):
        import os

        self.given = os.environ.get("GIVEN")


if __name__ == "__main__":
    EnvironmentOfValues()

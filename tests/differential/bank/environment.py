import os

from dockerflow import FlowSpec, environment, step


class Environment(FlowSpec):
    """Variables of one step are there in it alone."""

    @environment(vars={"GREETING": "hällo", "NUMBER": "5"})
    @step
    def start(self):
        self.seen = (os.environ["GREETING"], os.environ["NUMBER"])
        self.next(self.end)

    @step
    def end(self):
        self.gone = "GREETING" not in os.environ


if __name__ == "__main__":
    Environment()

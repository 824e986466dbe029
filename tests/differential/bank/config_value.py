# Given --config-value settings '{"size": 9, "mode": "given", "nested": {"deep": 1}}'
from dockerflow import Config, FlowSpec, step


class ConfigGiven(FlowSpec):
    """A config given on the command line."""

    settings = Config("settings", default="settings.json")

    @step
    def start(self):
        self.seen = (self.settings.size, self.settings.mode)
        self.next(self.end)

    @step
    def end(self):
        self.again = self.settings.nested.deep


if __name__ == "__main__":
    ConfigGiven()

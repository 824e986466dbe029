# Given --config-value settings '{"small": "s", "large": 2}'
"""Cases that a config says."""

from dockerflow import Config, FlowSpec, Parameter, step


class SwitchConfig(FlowSpec):
    settings = Config("settings", default_value="{}")
    size = Parameter("size", default="s")

    @step
    def start(self):
        self.next({self.settings.small: self.a, self.settings.large: self.b}, condition="size")

    @step
    def a(self):
        self.number = 2
        self.next({self.settings.small: self.b, self.settings.large: self.end}, condition="number")

    @step
    def b(self):
        self.number = 0
        self.next(self.end)

    @step
    def end(self):
        self.last = self.number


if __name__ == "__main__":
    SwitchConfig()

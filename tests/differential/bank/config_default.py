import os

from dockerflow import Config, FlowSpec, Parameter, config_expr, environment, step


class ConfigDefault(FlowSpec):
    """A config from a file, with a dot and as a dict, in decorators and as a parameter's default."""

    settings = Config("settings", default="settings.json")
    plain = Config("plain", default_value={"a": [1, {"b": 2}]})
    size = Parameter("size", default=settings.size)

    @environment(vars={"MODE": settings.mode, "SIZE": config_expr("str(settings.size + 1)")})
    @step
    def start(self):
        self.seen = (self.settings.size, self.settings["mode"], self.settings.nested.deep)
        self.variables = (os.environ["MODE"], os.environ["SIZE"])
        self.next(self.end)

    @step
    def end(self):
        self.listed = (sorted(self.settings), self.plain.a[0], self.plain.a[1]["b"], self.size)
        self.other = self.settings.get("other", "none")


if __name__ == "__main__":
    ConfigDefault()

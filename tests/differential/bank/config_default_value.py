from dockerflow import Config, FlowSpec, JSONType, Parameter, current, environment, resources, retry, step


class ConfigDefaultValue(FlowSpec):
    """A config's value in decorators, in parameters and in steps."""

    settings = Config(
        "settings",
        default_value={"cores": 1, "again": {"times": 1, "minutes_between_retries": 0}, "list": [1, {"two": 2}]},
        help="how it runs",
    )
    text = Config("text", default_value='{"vars": {"CONFIGURED": "yes"}}')
    absent = Config("absent")
    cores = Parameter("cores", default=settings.cores)
    listed = Parameter("listed", default=settings.list, type=JSONType)
    computed = Parameter(
        "computed", default=lambda context: f"{context.configs.settings.cores} {context.parameter_name}"
    )

    @retry(**settings.again)
    @resources(cpu=settings.cores)
    @environment(vars=text.vars)
    @step
    def start(self):
        import os

        self.attempt = current.retry_count
        if current.retry_count == 0:
            raise ValueError("the first attempt")
        self.variable = os.environ["CONFIGURED"]
        self.two = self.settings.list[1].two
        self.by_key = self.settings["again"]["times"]
        self.has = "cores" in self.settings, "other" in self.settings, getattr(self.settings, "other", None)
        self.whole = self.settings.to_dict()
        self.parameters = current.parameter_names
        self.kinds = type(self.settings.list[1]).__name__, type(self.whole["list"][1]).__name__
        self.next(self.end)

    @step
    def end(self):
        import json

        self.errors = []
        for change in (
            lambda: setattr(self, "settings", 1),
            lambda: setattr(self.settings, "cores", 2),
            lambda: self.settings.update(cores=2),
            lambda: self.settings["list"][1].pop("two"),
            lambda: self.settings.missing,
            lambda: self.settings["missing"],
        ):
            try:
                change()
            except Exception as error:
                self.errors.append(type(error).__name__)
        self.dumped = json.dumps(self.settings, sort_keys=True)
        self.copied = self.settings.copy() == self.settings, {**self.settings} == self.settings


if __name__ == "__main__":
    ConfigDefaultValue()

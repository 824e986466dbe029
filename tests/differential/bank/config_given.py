# Given --config settings settings.json --config-value extra '{"size": 4}'
# Then resume end
from dockerflow import Config, FlowSpec, Parameter, config_expr, environment, retry, step


def doubled(number):
    return 2 * number


class ConfigGiven(FlowSpec):
    """Configs from a file and from the command line, in expressions; a resumed run keeps them."""

    settings = Config("settings", required=True)
    extra = Config("extra", default_value={"size": 1})
    size = Parameter("size", default=config_expr("doubled(extra.size)"))

    @environment(
        vars={"SIZE": config_expr("str(extra.size + len(settings.names))"), "DEEP": settings.nested.deep.value}
    )
    @retry(times=config_expr("settings").times, minutes_between_retries=0)
    @step
    def start(self):
        import os

        self.variables = os.environ["SIZE"], os.environ["DEEP"]
        self.next(self.end)

    @step
    def end(self):
        self.deep = self.settings.nested.deep.value


if __name__ == "__main__":
    ConfigGiven()

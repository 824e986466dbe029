# Environment 'METAFLOW_FLOW_CONFIG={"settings": "settings.json"}' 'METAFLOW_FLOW_CONFIG_VALUE={"extra": {"size": 9}}'
from dockerflow import Config, FlowSpec, step


class ConfigEnvironment(FlowSpec):
    """Variables of the environment give configs."""

    settings = Config("settings", required=True)
    extra = Config("extra", default_value={"size": 1})

    @step
    def start(self):
        self.found = self.settings.names, self.extra.size
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ConfigEnvironment()

import json

from dockerflow import FlowSpec, JSONType, Parameter, step


def told(context):
    return f"{context.flow_name} {context.parameter_name} {context.user_name}"


class ParametersContext(FlowSpec):
    """Defaults that are functions know what they are for."""

    told = Parameter("told", default=told)
    number = Parameter("number", default=lambda context: len(context.parameter_name), type=int)
    record = Parameter("record", type=JSONType, default=lambda context: json.dumps({"flow": context.flow_name}))

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        print(self.told, self.number, self.record)


if __name__ == "__main__":
    ParametersContext()

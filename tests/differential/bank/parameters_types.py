# Run with --integer " 1_0 " --number nan --flag n --json null --words "" --Upper u --hidden h --one=1=2
from dockerflow import FlowSpec, JSONType, Parameter, current, step


def made(context):
    return f"{context.flow_name} {context.parameter_name} {context.user_name}"


class ParametersTypes(FlowSpec):
    """What becomes of texts and of defaults, by the types of parameters."""

    integer = Parameter("integer", type=int)
    number = Parameter("number", type=float)
    flag = Parameter("flag", default=True)
    json = Parameter("json", type=JSONType, default='{"a": [1]}')
    words = Parameter("words", default="a,b", separator=",")
    pieces = Parameter("pieces", default="a;b", separator=";")
    Upper = Parameter("Upper", default="x")
    hidden = Parameter("hidden", default="", hidden=True)
    one = Parameter("one")
    dictionary = Parameter("dictionary", default={"k": 1})
    listed = Parameter("listed", default=[1, 2])
    text_of_int = Parameter("text-of-int", default="5", type=int)
    made = Parameter("made", default=made)
    made_int = Parameter("made_int", default=lambda context: 3, type=int)
    made_json = Parameter("made_json", default=lambda context: '{"a": 1}', type=JSONType)
    required = Parameter("required", default=1, required=True)

    @step
    def start(self):
        self.number_is_nan = self.number != self.number
        self.kinds = [type(getattr(self, name)).__name__ for name in current.parameter_names]
        self.names = current.parameter_names
        self.next(self.end)

    @step
    def end(self):
        self.errors = []
        for name in ("integer", "words", "required"):
            for change in (lambda name=name: setattr(self, name, 1), lambda name=name: delattr(self, name)):
                try:
                    change()
                except Exception as error:
                    self.errors.append(type(error).__name__)


if __name__ == "__main__":
    ParametersTypes()

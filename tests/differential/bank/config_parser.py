# Given --config lines table.csv --config-value word "just a word"
from dockerflow import Config, FlowSpec, step


def parsed(text):
    return {f"line{number}": line for number, line in enumerate(text.splitlines())}


class ConfigParser(FlowSpec):
    """A config of another format, and plain ones."""

    lines = Config("lines", parser=parsed)
    word = Config("word", plain=True)
    numbers = Config(
        "numbers", plain=True, default_value="1 2 3", parser=lambda text: [int(part) for part in text.split()]
    )
    path = Config("path", default=lambda context: "settings.json")
    made = Config("made", default_value=lambda context: {"flow": context.flow_name, "name": context.parameter_name})

    @step
    def start(self):
        self.first = self.lines.line0
        self.total = sum(self.numbers)
        self.cores = self.path.cores
        self.of = self.made.flow, self.made.name
        self.next(self.end)

    @step
    def end(self):
        self.said = self.word


if __name__ == "__main__":
    ConfigParser()

# Run with --table table.csv
from dockerflow import FlowSpec, IncludeFile, step


class Include(FlowSpec):
    table = IncludeFile("table", required=True)
    raw = IncludeFile("raw", default="table.csv", is_text=False)
    parsed = IncludeFile("parsed", default="table.csv", parser=lambda text: text.splitlines())
    nothing = IncludeFile("nothing")

    @step
    def start(self):
        self.lines = self.table.splitlines()
        self.size = len(self.raw)
        self.first = self.parsed[0]
        self.next(self.end)

    @step
    def end(self):
        self.none = self.nothing is None


if __name__ == "__main__":
    Include()

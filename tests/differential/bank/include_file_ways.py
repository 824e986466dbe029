# Run with --given settings.json --latin table.csv
from dockerflow import FlowSpec, IncludeFile, step


class IncludeFileWays(FlowSpec):
    """Included files: named on the command line over a default, by a function, in an encoding, as bytes, parsed."""

    given = IncludeFile("given", default="table.csv", parser="json.loads")
    latin = IncludeFile("latin", encoding="latin-1")
    made = IncludeFile("made", default=lambda context: "table.csv")
    raw = IncludeFile(
        "raw", default="settings.json", is_text=False, parser=lambda content: content.decode().split("\n")
    )
    absent = IncludeFile("absent", is_text=False)

    @step
    def start(self):
        self.cores = self.given["cores"]
        self.count = len(self.raw)
        self.same = self.made == self.latin
        try:
            self.made = "new"
        except AttributeError:
            self.read_only = True
        self.next(self.end)

    @step
    def end(self):
        self.none = self.absent is None


if __name__ == "__main__":
    IncludeFileWays()

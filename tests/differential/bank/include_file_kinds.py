# Run with --latin latin.txt
from dockerflow import FlowSpec, IncludeFile, step


class IncludeFileKinds(FlowSpec):
    """Another encoding, bytes, and one that is not given."""

    latin = IncludeFile("latin", encoding="latin-1")
    raw = IncludeFile("raw", is_text=False, default="latin.txt")
    absent = IncludeFile("absent", required=False)

    @step
    def start(self):
        self.length = (len(self.latin), len(self.raw))
        self.next(self.end)

    @step
    def end(self):
        self.words = self.latin.split()
        self.is_none = self.absent is None


if __name__ == "__main__":
    IncludeFileKinds()

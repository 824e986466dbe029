# Run with --text nowhere.txt
from dockerflow import FlowSpec, IncludeFile, step


class IncludeFileMissing(FlowSpec):
    """A file that is not there ends the command."""

    text = IncludeFile("text")

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    IncludeFileMissing()

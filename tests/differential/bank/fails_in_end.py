from dockerflow import FlowSpec, step


class FailsInEnd(FlowSpec):
    """With an exception that has several lines, and a cause."""

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        self.kept = "kept"
        try:
            {}["key"]
        except KeyError as error:
            raise RuntimeError("first line\\nsecond line: ü") from error


if __name__ == "__main__":
    FailsInEnd()

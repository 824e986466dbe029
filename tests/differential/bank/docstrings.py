from dockerflow import FlowSpec, current, step


class Docstrings(FlowSpec):
    """What is written about a flow: “quoted”, and a backslash \\n."""

    @step
    def start(self):
        """The first step."""
        self.docs = [node["doc"] for node in current.graph["steps"].values()]
        self.of_flow = current.graph["doc"]
        self.next(self.end)

    @step
    def end(self):
        """The last step,

        in two parts.
        """


if __name__ == "__main__":
    Docstrings()

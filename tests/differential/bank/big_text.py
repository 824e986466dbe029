from dockerflow import FlowSpec, step


class BigText(FlowSpec):
    """A text of some megabytes, and a line of many characters."""

    @step
    def start(self):
        self.text = "0123456789" * 400_000
        print("x" * 50_000)
        self.next(self.end)

    @step
    def end(self):
        self.size = len(self.text)
        self.text = self.text[:7]


if __name__ == "__main__":
    BigText()

# Run with --tag 春 --tag "a b" --tag key:value --tag a --tag a
from dockerflow import FlowSpec, current, step


class TagsOfAnyKind(FlowSpec):
    """Tags are any text, once each."""

    @step
    def start(self):
        self.tags = sorted(current.tags)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    TagsOfAnyKind()

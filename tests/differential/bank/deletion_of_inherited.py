from dockerflow import FlowSpec, step


class DeletionOfInherited(FlowSpec):
    """What another step set can be deleted once it was looked at, and not before."""

    @step
    def start(self):
        self.x, self.y = 1, 2
        self.next(self.middle)

    @step
    def middle(self):
        try:
            del self.x
        except AttributeError:
            self.refused = True
        self.seen = self.y
        del self.y
        self.next(self.end)

    @step
    def end(self):
        self.has = [hasattr(self, name) for name in ("x", "y", "refused")]


if __name__ == "__main__":
    DeletionOfInherited()

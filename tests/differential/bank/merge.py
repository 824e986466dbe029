from dockerflow import FlowSpec, step


class Merge(FlowSpec):
    @step
    def start(self):
        self.same = [1, 2]
        self.base = "base"
        self.read = {"k": ["v"]}
        self.next(self.a, self.b)

    @step
    def a(self):
        self.only_a = 1
        self.both = "equal"
        self.conflict = "a"
        self.touched = self.read["k"]
        self.next(self.join)

    @step
    def b(self):
        self.only_b = 2
        self.both = "equal"
        self.conflict = "b"
        self.touched = self.read["k"]
        self.next(self.join)

    @step
    def join(self, inputs):
        try:
            self.merge_artifacts(inputs)
        except Exception as error:
            self.refused = "conflict" in str(error)
        self.nothing_merged = hasattr(self, "only_a")
        self.conflict = "resolved"
        self.merge_artifacts(inputs, exclude=["only_b"])
        self.has = [hasattr(self, n) for n in ("same", "base", "only_a", "only_b", "both", "read", "touched")]
        self.next(self.end)

    @step
    def end(self):
        self.seen = (self.same, self.conflict, self.only_a, self.both)


if __name__ == "__main__":
    Merge()

from dockerflow import FlowSpec, step


class MergeInclude(FlowSpec):
    @step
    def start(self):
        self.x = 1
        self.y = 2
        self.next(self.a, self.b)

    @step
    def a(self):
        self.y = 3
        self.next(self.join)

    @step
    def b(self):
        self.z = 4
        self.next(self.join)

    @step
    def join(self, inputs):
        self.errors = []
        for options in ({"include": ["nope"]}, {"include": ["y"]}, {"include": ["x"], "exclude": ["y"]}):
            try:
                self.merge_artifacts(inputs, **options)
                self.errors.append(None)
            except Exception:
                self.errors.append(sorted(options))
        self.merge_artifacts(inputs, include=["x", "z"])
        self.next(self.end)

    @step
    def end(self):
        self.has = (self.x, self.z, hasattr(self, "y"))
        try:
            self.merge_artifacts([])
        except Exception:
            self.no_join = True


if __name__ == "__main__":
    MergeInclude()

from dockerflow import FlowSpec, step


class Deletion(FlowSpec):
    @step
    def start(self):
        self.a = 1
        self.b = 2
        self.c = 3
        del self.b
        self.gone = hasattr(self, "b")
        self.next(self.middle)

    @step
    def middle(self):
        self.loaded = self.a
        del self.a
        self.after = hasattr(self, "a")
        self.c = 4
        del self.c
        self.c_again = self.c
        self.next(self.end)

    @step
    def end(self):
        self.have = [n for n in ("a", "b", "c") if hasattr(self, n)]


if __name__ == "__main__":
    Deletion()

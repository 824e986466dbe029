from dockerflow import FlowSpec, catch, step


class Catching(FlowSpec):
    @catch(var="failed")
    @step
    def start(self):
        self.before = 1
        self.next(self.a, self.b)

    @catch(var="failed", print_exception=False)
    @step
    def a(self):
        self.reached = True
        raise ValueError("no good")
        self.next(self.join)

    @catch
    @step
    def b(self):
        {}["missing"]
        self.next(self.join)

    @step
    def join(self, inputs):
        self.outcome = (inputs.a.failed.type, inputs.a.failed.exception, bool(inputs.a.failed))
        self.traced = "no good" in inputs.a.failed.stacktrace
        self.kept = inputs.a.reached
        self.nothing = inputs.b.failed
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Catching()

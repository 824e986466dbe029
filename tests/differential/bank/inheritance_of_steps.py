from dockerflow import FlowSpec, Parameter, retry, step


class Base(FlowSpec):
    size = Parameter("size", default=2)

    @step
    def start(self):
        self.trail = ["base start"]
        self.next(self.work)

    @step
    def work(self):
        self.trail.append("base work")
        self.next(self.end)

    @step
    def end(self):
        self.trail.append(self.closing())

    def closing(self):
        return "base"


class InheritanceOfSteps(Base):
    """A step of the base class is replaced, and calls it; a parameter is added."""

    more = Parameter("more", default="m")

    @retry(times=1, minutes_between_retries=0)
    @step
    def work(self):
        self.trail.append(f"own work {self.size} {self.more}")
        self.next(self.end)

    def closing(self):
        return "own " + super().closing()


if __name__ == "__main__":
    InheritanceOfSteps()

from dockerflow import Flow, FlowSpec, Step, Task, current, step


class OwnRun(FlowSpec):
    """A step reads what its own run has left so far."""

    @step
    def start(self):
        self.items = [4, 5]
        print("said in start")
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.value = self.input
        self.next(self.gather)

    @step
    def gather(self, inputs):
        path = f"{current.flow_name}/{current.run_id}"
        each = Step(f"{path}/each")
        self.values = sorted(task.data.value for task in each)
        self.indices = sorted(task.index for task in each)
        self.successful = [task.successful for task in each]
        self.is_latest = Flow(current.flow_name).latest_run.id == current.run_id
        run = Flow(current.flow_name)[current.run_id]
        self.run_over = (run.successful, run.finished, run.end_task)
        self.steps = sorted(one.id for one in run)
        start = next(iter(run["start"]))
        self.said = start.stdout
        self.me = Task(current.pathspec).finished
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    OwnRun()

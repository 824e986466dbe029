from dockerflow import FlowSpec, Run, current, namespace, step


class ClientObjects(FlowSpec):
    """A run and a task can be kept, and asked later."""

    @step
    def start(self):
        self.value = 5
        self.task = current.task
        self.run = current.run
        self.next(self.end)

    @step
    def end(self):
        self.same_run = self.run.id == current.run_id
        self.of_start = self.task["value"].data
        namespace(None)
        self.again = Run(self.run.pathspec)["start"].task.data.value
        self.task_name = self.task.path_components[2]


if __name__ == "__main__":
    ClientObjects()

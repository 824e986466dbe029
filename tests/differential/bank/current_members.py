# Run with --tag one --tag "two words" --number 4
from dockerflow import FlowSpec, Parameter, current, step


class CurrentMembers(FlowSpec):
    """What a step can ask about itself."""

    number = Parameter("number", default=1)

    @step
    def start(self):
        self.names = (current.flow_name, current.step_name, current.username, current.namespace)
        self.origin = current.origin_run_id
        self.count = current.retry_count
        self.parameters = list(current.parameter_names)
        self.tags = sorted(current.tags)
        self.path = current.pathspec == f"{current.flow_name}/{current.run_id}/{current.step_name}/{current.task_id}"
        self.run_path = current.run.pathspec == f"{current.flow_name}/{current.run_id}"
        self.task_path = current.task.pathspec == current.pathspec
        self.running = current.is_running_flow
        self.absent = (current.get("nothing"), current.get("nothing", 5))
        self.next(self.end)

    @step
    def end(self):
        self.step_name = current.step_name
        with open(f"{current.tempdir}/file", "w") as file:
            self.written = file.write("text")


if __name__ == "__main__":
    CurrentMembers()

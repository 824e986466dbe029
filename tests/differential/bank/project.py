# Given --branch mine
from dockerflow import FlowSpec, current, project, step


@project(name="orchard")
class Project(FlowSpec):
    """A flow of a project, on a branch."""

    @step
    def start(self):
        self.of = (current.project_name, current.branch_name, current.project_flow_name, current.is_production)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Project()

# Given --production
from dockerflow import FlowSpec, Parameter, current, project, step


@project(name="orchard_2", branch="autumn")
class ProjectBranch(FlowSpec):
    """A branch said in the flow and production on the command line; a parameter's function knows both."""

    where = Parameter("where", default=lambda context: current.project_flow_name)

    @step
    def start(self):
        self.of = (current.project_name, current.branch_name, current.project_flow_name, current.is_production)
        self.user = current.is_user_branch
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ProjectBranch()

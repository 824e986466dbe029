# Run with --weight 80
from base_of_flows import Ending, Tools, counted

from dockerflow import FlowSpec, step


class InheritanceOfModules(Tools, Ending, FlowSpec):
    """Steps, parameters, configs, constants and helpers of bases in another module; one step is replaced."""

    factor = 10

    @counted(by=4)
    @step
    def middle(self):
        self.replaced = True
        self.weights = self.weighed()
        self.size = self.settings.size
        self.next(self.end)

    def helper(self):
        return f"derived from {super().helper()}"


if __name__ == "__main__":
    InheritanceOfModules()

# Run with --both 2
# Environment METAFLOW_RUN_COUNT=8 METAFLOW_RUN_BOTH=1 METAFLOW_RUN_A_LABEL= METAFLOW_RUN_FLAG=no METAFLOW_RUN_TABLE=table.csv
from dockerflow import FlowSpec, IncludeFile, Parameter, step


class ParametersEnvironment(FlowSpec):
    """Variables give parameters and included files; the command line comes first, and an empty text is a value."""

    count = Parameter("count", default=3)
    both = Parameter("both", type=int)
    label = Parameter("a-label", default="plain")
    flag = Parameter("flag", default=True)
    table = IncludeFile("table")

    @step
    def start(self):
        self.length = len(self.table)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ParametersEnvironment()

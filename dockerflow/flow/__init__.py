"""What a user writes, and what is read from it.

    spec                the class that flows are made from
    decorators          @step, @conda, @retry, @catch, @resources; decorator_values makes values of them
    parameter           Parameter and IncludeFile; parameters gives them their values when a run is launched
    current             the task that runs
    definition          a flow as values: what everything outside of this package works with
    loading             from a flow file to its class and definition; stand_ins for what is not installed here
    source              from the class to the definition; next_written reads `self.next`
    checks, balance     what is wrong with a flow
    imports             what every container needs for the flow file; conda_names, which package a module is in
    view, inputs        what a running step sees of its task; next_called follows `self.next`; caught keeps a failure
    errors, tracebacks  what can go wrong here, and the user's own exceptions as text

Shipped into step containers: standard library only, Python 3.7.
"""

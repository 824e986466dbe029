"""What a user writes, and what is read from it.

    spec                the class that flows are made from
    decorators          @step, @conda, @retry, @catch, @resources; decorator_values makes values of them
    parameter           Parameter and IncludeFile; parameters gives them their values when a run is launched
    config              Config, whose config_values are known before the flow; expressions of it in a class body
    custom              decorators and mutators that users write; wrapping runs the former around a step
    current             the task that runs
    definition          a flow as values: what everything outside of this package works with
    loading             from a flow file to its class and definition; stand_ins for what is not installed here
    completing          what is known when a file has been executed: configs, attached decorators of `--with`, and
                        mutations of a mutable flow; changing takes back what an earlier reading did
    source              from the class to the definition; next_written reads `self.next`
    checks, balance     what is wrong with a flow
    imports             what every container needs for the flow file; conda_names, which package a module is in
    view, inputs        what a running step sees of its task; next_called follows `self.next`; caught keeps a failure;
                        reads, which parameters it has read
    errors, tracebacks  what can go wrong here, and the user's own exceptions as text

Shipped into step containers: standard library only, Python 3.7.
"""

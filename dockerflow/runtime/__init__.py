"""What runs inside a step's container.

`bootstrap` unpacks the code package and calls `worker`, which imports the flow. `server` runs the tasks that come over
the `channel` (`messages` in `frames`), each in an `attempt`, a process of its own, in which `task` runs the step
(`calling`), between `import_output` and `program_end`. Around it: `output` (what it prints), `ending`, `memory` and
`time_limit` (why it died), `processes`, `secret_files` and `leftover_files` (what it left behind), `randomness`.

Shipped into step containers: standard library only, Python 3.7.
"""

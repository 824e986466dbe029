"""The same flow on Metaflow from PyPI, which says what flows mean, and here: what is left must be the same.

    bank/           flows, each about one thing; the comments at the top of a file say how it is run (`case`)
    generated       flows made from a number: shapes of graphs, features and failures, put together
    sides           run a flow by whole commands, on either side
    dump            ask either side's client about the run, with one script
    comparison      the two sides' answers beside each other
    differences     what differs on purpose, each with its reason; whatever else differs fails

Compared are exit codes, statuses, tags, steps and their order, tasks and theirs, parents and children, attempts,
exceptions, the lines that steps printed, artifacts by `repr`, indices and origins.

To look at one flow, by its name in the bank or as any file, and see what differs and what was printed:

    python -m tests.differential nested_foreach
    python -m tests.differential /tmp/my_flow.py --engine docker
    python -m tests.differential bank --engine docker
    python -m tests.differential generated --seed 20261123 --count 100

A task takes Metaflow a third of a second. What it answered is kept beside the test channel, by everything that it
depends on, so that only what has changed is asked again.
"""

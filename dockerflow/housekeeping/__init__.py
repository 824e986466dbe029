"""What keeps a store in order, on the host alone.

references: what runs refer to, in one pass over all of them. verify: is everything there, and what was written? copy:
runs from one store to another (cut_off_logs: what attempts had printed). mirroring: what images of runs are made of.
bundling: a run goes into a file and from there into a store (bundle: the file; bundle_store: the file as a store).
sizes: how much room runs take. several: many things at a time, in little memory. there: which blobs a store has.
collect: what is needed no more is removed (choosing: which runs; removal: how they go; cached: what they have left for
others; waiting: what is yet to be brought here).
"""

__all__: list[str] = []

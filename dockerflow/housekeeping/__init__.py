"""What keeps a store in order, on the host alone.

references: what runs refer to, in one pass over all of them. verify: is everything there, and what was written?
copy: runs from one store to another. sizes: how much room runs take. several: many things at a time, in little memory.
there: which blobs a store has.
"""

__all__: list[str] = []

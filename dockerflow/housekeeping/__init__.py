"""What keeps a store in order, on the host alone.

references      what runs refer to: one pass over all of them
"""

__all__: list[str] = []

"""Results of steps with `@cache`, found again by all that they depend on.

key         what a result depends on, by parts, and the first part in which two differ
code        the part of the code that a step can reach
imports     which modules code imports, and whether it may find others
canonical   a syntax tree as bytes in which only what the code means counts
given       the other parts: inputs, foreaches, configs, the image, options, parameters
entries     where results are in the store under their keys

A false hit is worse than a miss: where it is not certain that a thing cannot matter, it counts. Nothing here knows the
time, a path, this machine or the version of dockerflow, so the same work has the same key everywhere.
"""

from __future__ import annotations

__all__: list[str] = []

"""Two runs beside each other.

artifacts     which artifacts of which tasks are the same, by their hashes
report        what came of that, counted for people and as JSON
inert         a look at a stored value without loading it
values        how two values differ, by what they are
words         how values and differences are put into words
shapes        how arrays and tables differ
arrays        how much the numbers of two arrays differ
tables        tables and their columns, without pandas
results       what runs have under a name: parameters, artifacts, what is known of them
conditions    what such results must be, as users type it
errors        what may go wrong
sections      all parts of two runs: code, packages (locks), records, contents (artifacts), each a section
"""

from __future__ import annotations

__all__: list[str] = []

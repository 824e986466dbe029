"""Take arrays of objects apart that are texts for the most part, such as a column of names.

Pickle looks at each text on its own, which for a million of them takes longer than all numbers beside them. Here they
are one text with a separator that none of them has, or, where they repeat, each different one once and numbers that
say which is where. So equal columns give equal bytes, whichever of their texts are the same object. What is no plain
`str`, such as `None` and `nan` for missing ones, stands beside them with its places. `rebuild.text_array` is the way
back.
"""

from __future__ import annotations

import pickle
from itertools import compress
from typing import Any, Dict, List, Optional, Tuple

from dockerflow.artifacts import rebuild
from dockerflow.artifacts.protocol import HAS_PROTOCOL_5

# Smaller arrays gain nothing.
FEWEST = 256

# Characters that texts rarely have. Text files have the first at their ends of lines, and data the others never.
SEPARATORS = "\n\0\x1f\x1e\x1d"

# About so many items are looked at before all are, to see whether they repeat.
_SAMPLE = 4096


def reduced(numpy: Any, shape: Tuple[int, ...], items: List[Any]) -> Optional[Any]:
    """An array of these items as for `copyreg`; None where they are few, too few of them are texts, or texts have all
    the separators."""
    if len(items) < FEWEST:
        return None
    texts, places, others = _parted(numpy, items)
    if 2 * len(texts) < len(items):
        return None
    texts, codes = _once_each(numpy, texts)
    joined = _joined(texts)
    if joined is None:
        return None
    text, separator = joined
    return rebuild.text_array, (shape, _memory(text), separator, codes, places, others)


def _parted(numpy: Any, items: List[Any]) -> Tuple[List[str], Any, List[Any]]:
    """The texts, and where the others are, which is None where there are none, and they."""
    if set(map(type, items)) == {str}:
        return items, None, []
    is_text = [type(item) is str for item in items]
    others = numpy.flatnonzero(~numpy.array(is_text))
    return list(compress(items, is_text)), others, [items[at] for at in others.tolist()]


class _Numbers(Dict[str, int]):
    """Gives each text that it is asked for the next number."""

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self)
        return number


def _once_each(numpy: Any, texts: List[str]) -> Tuple[List[str], Any]:
    """The different texts in the order in which they appear, and the number of each text among them; or the texts as
    they are, and None, where few repeat."""
    # Both those that follow each other, for what is sorted, and those here and there, for what comes in turns.
    if _repeat(texts[:_SAMPLE]) or _repeat(texts[:: len(texts) // _SAMPLE + 1]):
        numbers = _Numbers()
        codes = numpy.fromiter(map(numbers.__getitem__, texts), numpy.uint32, len(texts))
        if _is_few(len(numbers), len(texts)):
            return list(numbers), codes.astype(numpy.min_scalar_type(len(numbers)))
    return texts, None


def _repeat(texts: List[str]) -> bool:
    return _is_few(len(set(texts)), len(texts))


def _is_few(different: int, texts: int) -> bool:
    return 2 * different <= texts


def _joined(texts: List[str]) -> Optional[Tuple[bytes, str]]:
    for separator in SEPARATORS:
        text = separator.join(texts)
        if text.count(separator) == len(texts) - 1:
            return text.encode("utf-8", "surrogatepass"), separator
    return None


def _memory(text: bytes) -> Any:
    return pickle.PickleBuffer(text) if HAS_PROTOCOL_5 and text else text  # novm

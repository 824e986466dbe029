"""Take numpy's random generators apart, and put them together again by any version, to go on where they were.

Only by public means: a generator's state is plain values and arrays. The functions below `reducers` are named by stored
artifacts, so what `rebuild` says of formats holds for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Callable, Dict, Mapping

BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


def reducers(random: Any) -> Dict[type, Callable[[Any], Any]]:
    """How to take apart each of numpy's generators, as for `copyreg`."""
    table: Dict[type, Callable[[Any], Any]] = {
        random.RandomState: lambda found: (random_state, (found.get_state(legacy=False),)),
        random.Generator: lambda found: (generator, (found.bit_generator,)),
        random.SeedSequence: lambda found: (seed_sequence, (dict(found.state),)),
    }
    kinds = [getattr(random, name) for name in BIT_GENERATORS if hasattr(random, name)]
    table.update(dict.fromkeys(kinds, _bit_generator))
    return table


def _bit_generator(found: Any) -> Any:
    """Its seed is only for the generators that it spawns. It has been public since numpy 1.25."""
    return bit_generator, (found.state, getattr(found, "seed_seq", None))


def random_state(state: Mapping[str, Any]) -> Any:
    random = import_module("numpy.random")
    made = random.RandomState(getattr(random, state["bit_generator"])(0))
    made.set_state(state)
    return made


def generator(bits: Any) -> Any:
    return import_module("numpy.random").Generator(bits)


def bit_generator(state: Mapping[str, Any], seed: Any) -> Any:
    kind = getattr(import_module("numpy.random"), state["bit_generator"])
    made = kind(0 if seed is None else seed)
    made.state = state
    return made


def seed_sequence(state: Mapping[str, Any]) -> Any:
    return import_module("numpy.random").SeedSequence(**state)

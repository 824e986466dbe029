"""Trains models and keeps them as artifacts; asks those that another task has kept.

scikit-learn promises nothing between its versions; what it does is the measure. So each model travels twice: as an
artifact, and as bytes of its own pickle that the writing step made.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from typing import Any

# The sets of versions, each the libraries of a step that writes and of one that reads in `models`.
SETS = ("old", "middle", "middle_numpy_2", "newest")


def write(task: Any, name: str) -> None:
    import some_models  # noqa: PLC0415 - the flow is read where there is no scikit-learn

    warnings.simplefilter("ignore")  # what a version says of its own defaults
    models = some_models.trained()
    for number, model in enumerate(models.values()):
        setattr(task, f"{name}_{number}", model)
    said = {
        "kinds": list(models),
        "predictions": [some_models.predicted(model) for model in models.values()],
        "pickles": [pickle.dumps(model) for model in models.values()],
    }
    setattr(task, f"written_{name}", said)


def read(task: Any) -> dict[tuple[str, str], tuple[str, str]]:
    """For each set and model what the artifact and scikit-learn's own pickle came to: `right`, or how it failed."""
    warnings.simplefilter("ignore")  # scikit-learn warns of every model of another version
    found = {}
    for name in SETS:
        written = getattr(task, f"written_{name}")
        for number, kind in enumerate(written["kinds"]):
            wanted, pickled = written["predictions"][number], written["pickles"][number]
            artifact = _outcome(lambda at=f"{name}_{number}": getattr(task, at), wanted)
            found[name, kind] = (artifact, _outcome(lambda pickled=pickled: pickle.loads(pickled), wanted))
    return found


def _outcome(load: Callable[[], Any], wanted: list[float]) -> str:
    import some_models  # noqa: PLC0415 - as above

    try:
        found = some_models.predicted(load())
    except Exception as error:  # noqa: BLE001 - whatever a model of another version may raise
        return f"{type(error).__name__}: {error}"
    same = all(abs(one - other) < 1e-6 for one, other in zip(found, wanted))
    return "right" if same and len(found) == len(wanted) else "other predictions"

"""A task's artifacts with a dot: `task.data.x` is a value, `task.artifacts.x` the artifact that holds it."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping, Tuple

from dockerflow.client.artifact import DataArtifact
from dockerflow.client.errors import not_found


def value_of(artifact: DataArtifact) -> Any:
    return artifact.data


def itself(artifact: DataArtifact) -> DataArtifact:
    return artifact


class Values:
    """Something for each artifact of a task, by name or number; made when it is asked for."""

    def __init__(self, where: str, artifacts: Mapping[str, DataArtifact], get: Callable[[DataArtifact], Any]) -> None:
        self._where, self._artifacts, self._get = where, artifacts, get

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._artifacts:
            raise not_found("artifact", name, self._where, self._artifacts)
        return self._get(self._artifacts[name])

    def __getitem__(self, number: int) -> Any:
        return self._get([*self._artifacts.values()][number])

    def __contains__(self, name: object) -> bool:
        return name in self._artifacts

    def __iter__(self) -> Iterator[Any]:
        return (self._get(artifact) for artifact in self._artifacts.values())

    def __len__(self) -> int:
        return len(self._artifacts)

    @property
    def _fields(self) -> Tuple[str, ...]:
        """The names, as those of a named tuple."""
        return tuple(self._artifacts)

    def _asdict(self) -> Dict[str, Any]:
        return {name: self._get(artifact) for name, artifact in self._artifacts.items()}

    def __reduce__(self) -> Tuple[Any, ...]:
        """With the names of the artifacts; their values stay where they are."""
        return Values, (self._where, dict(self._artifacts), self._get)

    def __dir__(self) -> List[str]:
        return [*self._artifacts, *object.__dir__(self)]

    def _repr_html_(self) -> str:
        from dockerflow.client import pages  # noqa: PLC0415 - for notebooks alone

        return pages.page(self, pages.values(self._artifacts))

    def __repr__(self) -> str:
        return f"<{self._where}: {', '.join(self._artifacts)}>"

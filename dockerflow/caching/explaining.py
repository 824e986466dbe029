"""Why a task was not taken from the cache, in words: the first part of its key that differs, and in what. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from dockerflow.caching.key import ALL, NAMED, Part
from dockerflow.environments.lock import Lock

__all__ = ["packages", "words"]


def words(changed: Part) -> str:
    """What `key.difference` has found: ``inputs: artifact `x` of step `start` differs``."""
    if ALL in changed.items:
        return f"{changed.name}: they differ"
    count = Counter((_WORDS[changed.name](item), how) for item, how in changed.items.items())
    named = [
        f"{what} {how}" + (f" in {number:,} inputs" if number > 1 else "") for (what, how), number in count.items()
    ]
    more = f" and {len(named) - NAMED:,} more" if len(named) > NAMED else ""
    return f"{changed.name}: {', '.join(named[:NAMED])}{more}"


def packages(before: Lock, now: Lock) -> str:
    """``pandas 1.5.3 → 2.2.3, + attrs 23.1``; empty where the packages are the same."""
    old = {(one.manager, one.name): one for one in before.packages}
    new = {(one.manager, one.name): one for one in now.packages}
    found: list[str] = []
    for key in sorted(old.keys() | new.keys()):
        was, is_now = old.get(key), new.get(key)
        if was is None and is_now is not None:
            found.append(f"+ {is_now.name} {is_now.version}")
        elif is_now is None and was is not None:
            found.append(f"- {was.name} {was.version}")
        elif was is not None and is_now is not None and was.sha256 != is_now.sha256:
            same = was.version == is_now.version
            versions = f"{is_now.version}, another build" if same else f"{was.version} → {is_now.version}"
            found.append(f"{is_now.name} {versions}")
    more = len(found) - NAMED
    return ", ".join(found[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _code(item: str) -> str:
    return f"step `{item[:-2]}`" if item.endswith("()") else f"`{item}`"


def _inputs(item: str) -> str:
    _, step, *artifact = item.split("/", 2)
    return f"artifact `{artifact[0]}` of step `{step}`" if artifact else f"a task of step `{step}`"


def _foreach(item: str) -> str:
    _, step, *variable = item.split("/", 2)
    return f"the list `{variable[0]}` of step `{step}`" if variable else "the place in the list"


def _options(item: str) -> str:
    word, _, name = item.partition("/")
    if word == "environment":
        return f"variable `{name}` of `@environment`"
    return "the project's branch" if word == "project" else f"`@{word}`"


def _named(item: str) -> str:
    return f"`{item}`"


def _platform(item: str) -> str:
    return f"that for {item}"


_WORDS: Mapping[str, Callable[[str], str]] = {
    "code": _code,
    "inputs": _inputs,
    "foreach": _foreach,
    "configs": _named,
    "image": _platform,
    "options": _options,
    "parameters": _named,
}

"""Lines of a file that are for some platforms only: `# [linux64]`, `# [unix and not osx]`.

The words are those of conda-build and conda-lock (https://conda.github.io/conda-lock/src_environment_yml/).
"""

from __future__ import annotations

_WORDS = {
    "linux": ("linux-",),
    "linux64": ("linux-64",),
    "linux-64": ("linux-64",),
    "linux-aarch64": ("linux-aarch64",),
    "aarch64": ("linux-aarch64",),
    "x86_64": ("linux-64", "osx-64", "win-64"),
    "unix": ("linux-", "osx-"),
    "osx": ("osx-",),
    "osx64": ("osx-",),
    "osx-64": ("osx-64",),
    "osx-arm64": ("osx-arm64",),
    "arm64": ("osx-arm64",),
    "win": ("win-",),
    "win32": ("win-32",),
    "win64": ("win-64",),
    "win-64": ("win-64",),
}


class UnknownPlatform(ValueError):
    def __init__(self, word: str) -> None:
        super().__init__(f"`{word}` names no platform")
        self.hint = f"it knows {', '.join(f'`{known}`' for known in _WORDS)}, and `not`, `and`, `or`"


def holds(selector: str, platform: str) -> bool:
    """Whether a line with this selector is for `platform` (a conda subdir). Raises UnknownPlatform."""
    found = [[_one(word, platform) for word in part.split(" and ")] for part in selector.split(" or ")]
    return any(all(words) for words in found)


def _one(text: str, platform: str) -> bool:
    word = text.strip()
    negated = word.startswith("not ")
    word = word.removeprefix("not ").strip()
    if word not in _WORDS:
        raise UnknownPlatform(word)
    return any(platform.startswith(beginning) for beginning in _WORDS[word]) != negated

"""Which Python an environment gets when several places say something about it.

Every place narrows the choice. Where one of them names a version or a series that all others allow, it is the one;
otherwise all that was said holds. Nobody is asked which Pythons there are: the choice is among all that could be.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from dockerflow.environments import requirements
from dockerflow.environments.asked import Word
from dockerflow.environments.errors import InvalidSpec

_VERSIONS = tuple(f"{major}.{minor}.{micro}" for major in (2, 3) for minor in range(40) for micro in range(40))


class NotASpecifier(ValueError):
    """Why a text is no specifier of PEP 440."""


def merged(words: Sequence[Word], who: str) -> str:
    """The version word that all `words` allow, empty where there is none. Raises InvalidSpec with two places."""
    distinct = list({word.text: word for word in words if word.text}.values())
    if len(distinct) < 2:
        return distinct[0].text if distinct else ""
    common = frozenset(_VERSIONS)
    for index, word in enumerate(distinct):
        if not common & _allowed(word.text):
            other = next((one for one in distinct[:index] if not _allowed(one.text) & _allowed(word.text)), distinct[0])
            raise InvalidSpec(
                f"{who} asks for two Pythons: `{other.text}` ({other.place}) and `{word.text}` ({word.place})",
                "name the same Python in both places, or leave one of them out",
            )
        common &= _allowed(word.text)
    narrowest = [word.text for word in distinct if _allowed(word.text) == common]
    if narrowest:
        return min(narrowest, key=len)
    return ",".join(sorted({f"{word.text}.*" if _is_series(word.text) else word.text for word in distinct}))


def of_specifier(text: str) -> str:
    """The conda version word of a PEP 440 specifier (`>=3.9,<4`, `==3.11.*`). Raises NotASpecifier."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - takes long to import

    try:
        word = ",".join(sorted(_word(each.operator, each.version) for each in SpecifierSet(text)))
        requirements.parse("python", word)
    except (InvalidSpecifier, requirements.NotASpec) as error:
        raise NotASpecifier(str(error)) from error
    return word


def _word(operator: str, version: str) -> str:
    if version.endswith(".*") and operator == "==":
        return version
    return f"{'==' if operator == '===' else operator}{version}"


def _is_series(word: str) -> bool:
    return word.replace(".", "").isdecimal()


@cache
def _allowed(word: str) -> frozenset[str]:
    from rattler import BuildString, PackageRecord  # noqa: PLC0415 - takes long to import

    match_spec = requirements.parse("python", word).match_spec
    build = BuildString("0")
    return frozenset(
        version for version in _VERSIONS if match_spec.matches(PackageRecord("python", version, build, 0, "linux-64"))
    )

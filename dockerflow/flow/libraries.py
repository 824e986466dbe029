"""What a step's libraries come from: `@conda`, `@pypi` and `@image`, over the bases that its flow has for every step.

What stands on the step goes over what stands on the class, and that over what stands on the classes it is derived
from. Libraries are merged name by name. A `file` names everything that is wanted, so it takes the place of the
libraries and the file below it, and a `lock` takes the place of all that is below it. What is written on one level and
cannot go together is reported.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from dockerflow.flow.decorators import Written
from dockerflow.flow.definition import Conda, Image, Pypi, StepDecorator
from dockerflow.flow.image_name import is_image_name
from dockerflow.flow.library_options import conda_name, conda_options, pypi_name, pypi_options
from dockerflow.flow.options import Options, Report, expected

__all__ = ["BASES", "check_bases", "libraries_of_step"]

BASES = ("conda_base", "pypi_base")

_LOCK_AND_PYPI = (
    "a lock has every package of a step, so `@pypi` can add none to it",
    "add the packages to the lock, or leave `lock` out and name what the step needs",
)


def libraries_of_step(base: Sequence[Written], own: Mapping[str, Written], report: Report) -> Tuple[StepDecorator, ...]:
    """The step's `Conda` and `Pypi`, or its `Image`; `base` are the bases of its flow, the most basic class first."""
    if "image" in own:
        return _image(own, report)
    # The problems of a base are those of the flow, not of each step: `check_bases` reports them once.
    conda = _merged([conda_options(each, Report()) for each in base if each.name == "conda_base"], conda_name)
    pypi = _merged([pypi_options(each, Report()) for each in base if each.name == "pypi_base"], pypi_name)
    own_conda = conda_options(own["conda"], report) if "conda" in own else {}
    own_pypi = pypi_options(own["pypi"], report) if "pypi" in own else {}
    if "conda" in own:
        _check_against_lock(own["conda"], own_conda, conda, report)
        conda = _over(own_conda, conda, conda_name)
        pypi = None if "lock" in own_conda else pypi
    if "pypi" in own:
        pypi = _over(own_pypi, pypi, pypi_name)
        if "lock" in (conda or {}) and not pypi.get("disabled"):
            report.add(own["pypi"].file, own["pypi"].line, *_LOCK_AND_PYPI)
    if conda and pypi:
        _let_the_steps_python_win(own_conda, conda, own_pypi, pypi)
    return tuple(_values(conda, pypi))


def check_bases(base: Sequence[Written], report: Report) -> None:
    """Report what is wrong with the bases of a flow."""
    locked = [conda_options(written, report) for written in base if written.name == "conda_base"]
    packages = [(written, pypi_options(written, report)) for written in base if written.name == "pypi_base"]
    if "lock" in (_merged(locked, conda_name) or {}):
        for written, options in packages:
            if not options.get("disabled"):
                report.add(written.file, written.line, *_LOCK_AND_PYPI)


def _merged(levels: Sequence[Options], name: Callable[[str], str]) -> Optional[Options]:
    """The options of several levels, the last of which lies on top; None where there is no level."""
    merged: Optional[Options] = None
    for options in levels:
        merged = _over(options, merged, name)
    return merged


def _over(options: Options, below: Optional[Options], name: Callable[[str], str]) -> Options:
    kept = dict(below or {})
    if "lock" in options:
        kept = {}
    elif "file" in options:
        kept = {key: value for key, value in kept.items() if key not in ("libraries", "file", "extras", "lock")}
    libraries = options.get("libraries", {})
    taken = {name(package) for package in libraries}
    libraries = {
        **{package: version for package, version in kept.get("libraries", {}).items() if name(package) not in taken},
        **libraries,
    }
    first = options.get("channels", ())
    channels = (*first, *(channel for channel in kept.get("channels", ()) if channel not in first))
    return {**kept, **options, "libraries": libraries, "channels": channels}


def _check_against_lock(written: Written, options: Options, below: Optional[Options], report: Report) -> None:
    """A lock that a step inherits says everything, unless the step brings a file or a lock of its own."""
    if "lock" not in (below or {}) or "file" in options or "lock" in options or options.get("disabled"):
        return
    beside = [f"`{option}`" for option in ("libraries", "python", "channels") if options.get(option)]
    if beside:
        message = f"the `lock` of `@conda_base` has every package of this step, so {beside[0]} can change nothing"
        report.add(written.file, written.line, message, "give the step a `file` or a `lock` of its own")


def _let_the_steps_python_win(own_conda: Options, conda: Options, own_pypi: Options, pypi: Options) -> None:
    """A Python that only one of the step's own decorators names goes over the one that the other kind inherits."""
    if "python" in own_pypi and "python" not in own_conda:
        conda.pop("python", None)
    if "python" in own_conda and "python" not in own_pypi:
        pypi.pop("python", None)


def _values(conda: Optional[Options], pypi: Optional[Options]) -> Iterator[StepDecorator]:
    if conda is not None:
        yield Conda(
            libraries=_sorted(conda),
            python=conda.get("python"),
            channels=tuple(conda["channels"]),
            disabled=conda.get("disabled", False),
            file=conda.get("file"),
            lock=conda.get("lock"),
        )
    if pypi is not None:
        yield Pypi(
            packages=_sorted(pypi),
            python=pypi.get("python"),
            file=pypi.get("file"),
            extras=tuple(sorted(pypi.get("extras", ()))),
            disabled=pypi.get("disabled", False),
        )


def _sorted(options: Options) -> Tuple[Tuple[str, str], ...]:
    libraries: Dict[str, str] = options["libraries"]
    return tuple(sorted(libraries.items()))


def _image(own: Mapping[str, Written], report: Report) -> Tuple[StepDecorator, ...]:
    """The step's own image. What the flow gives to every step is not for it, and its own libraries are refused."""
    for name, options_of in (("conda", conda_options), ("pypi", pypi_options)):
        if name in own and not options_of(own[name], report).get("disabled"):
            message = f"a step with `@image` runs in that image as it is, so `@{name}` can add nothing to it"
            report.add(own[name].file, own[name].line, message, f"keep one of the two: `@image` or `@{name}`")
    written = own["image"]
    named: List[object] = [*written.arguments, *(written.options[key] for key in sorted(written.options))]
    if len(named) != 1 or not set(written.options) <= {"image"}:
        hint = 'write `@image("name:tag")` or `@image("name@sha256:...")`'
        report.add(written.file, written.line, "`@image` takes the name of one image", hint)
        return ()
    given = named[0]
    if not isinstance(given, str) or not is_image_name(given):
        expected(written, "image", 'the name of an image, like `"debian:bookworm"`', given, report)
        return ()
    return (Image(given),)

"""Where a step runs, and what it may use there: `@remote` and `@local`, and Metaflow's `@batch` and `@kubernetes`.

`@remote` names Docker hosts, `@local` is this machine. Metaflow's two ask for another machine and do not name it: which
one they mean is for the launching machine to know, and beside `@remote` or `@local` they say nothing of it.

The resources that they name are merged with those of `@resources` as Metaflow does it: of several values the largest
counts. The image of Metaflow's becomes the step's unless the step has another one or asks for libraries, which are put
on an image of ours. The rest is for a cluster alone.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, List, Optional, Sequence, Tuple

from dockerflow.flow.decorators import Written
from dockerflow.flow.definition import Conda, Elsewhere, Image, Local, Pypi, Remote, Resources, StepDecorator
from dockerflow.flow.image_name import is_image_name
from dockerflow.flow.options import Options, Report, expected, number, options_of, positive, positive_whole, whole

__all__ = ["OF_PLACES", "placed", "resources", "same_kind"]

_ELSEWHERE = ("batch", "kubernetes")
_HERE_OR_THERE = ("remote", "local")

# The decorators that say where a step runs.
OF_PLACES = (*_ELSEWHERE, *_HERE_OR_THERE)

_MIB = "a whole number of MiB above 0"

_HOST = re.compile(r"[A-Za-z0-9][\w.+-]*", re.ASCII)
_HOSTS = 'the name of a host or of several, like `"gpu-box"` or `"gpu-box,other"`'


def same_kind(one: str, other: str) -> bool:
    """Whether a step can have only one of two decorators: of `@remote` and `@local` the step's own is kept."""
    return one == other or (one in _HERE_OR_THERE and other in _HERE_OR_THERE)


def resources(written: Written, options: Options, report: Report) -> Resources:
    """Of `@resources`, or of a decorator that takes the same words."""

    def of(name: str, what: str, holds: Any) -> Optional[float]:
        return number(written, options, name, what, holds, report)

    # No memory at all for `/dev/shm` or no disk: what Metaflow writes for "as it comes".
    for name in ("disk", "shared_memory"):
        if options.get(name) in (0, "0", ""):
            del options[name]
    return Resources(
        cpu=of("cpu", "a number of cores above 0", positive),
        memory=_whole(of("memory", _MIB, positive_whole)),
        gpu=_whole(of("gpu", "a whole number of GPUs, 0 or more", whole)),
        disk=_whole(of("disk", _MIB, positive_whole)),
        shared_memory=_whole(of("shared_memory", _MIB, positive_whole)),
    )


def placed(
    written: Sequence[Written], decorators: Tuple[StepDecorator, ...], report: Report
) -> Tuple[StepDecorator, ...]:
    """The decorators of a step with what those of `OF_PLACES` add to them, of which it has one of each name."""
    if not written:
        return decorators
    foreign, own = ([each for each in written if each.name in names] for names in (_ELSEWHERE, _HERE_OR_THERE))
    _require_one(foreign, "a step runs on one machine", "keep one of the two", report)
    either = 'keep one of the two; `@remote(host="local,gpu-box")` means either'
    _require_one(own, "a step runs here or there", either, report)
    options = {each.name: options_of(each, report) for each in written}
    merged = next((each for each in decorators if isinstance(each, Resources)), Resources())
    for each in written:
        asked = resources(each, options[each.name], report)
        merged = Resources(*map(_larger, vars(merged).values(), vars(asked).values()))
    rest = [each for each in decorators if not isinstance(each, Resources)]
    images: List[StepDecorator] = []
    marks: List[StepDecorator] = [_place(each, options[each.name], report) for each in own[:1]]
    for each in foreign[:1]:
        image, mark = _image(each, options[each.name], report), Elsewhere(each.name, each.line)
        if image is not None and any(map(_brings_libraries, rest)):
            mark = replace(mark, passed_over=image.image)
        elif image is not None:
            images.append(image)
        marks.append(mark)
    return (*images, *rest, *([] if merged == Resources() else [merged]), *marks)


def _require_one(written: Sequence[Written], why: str, hint: str, report: Report) -> None:
    if len(written) > 1:
        first, second = written[:2]
        message = f"`@{second.name}` stands beside `@{first.name}`: {why}"
        report.add(second.file, second.line, message, hint)


def _place(written: Written, options: Options, report: Report) -> StepDecorator:
    return Remote(_hosts(written, options, report)) if written.name == Remote.name else Local()


def _hosts(written: Written, options: Options, report: Report) -> Tuple[str, ...]:
    given = options.get("host")
    if given is None:
        return ()
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(name, str) for name in names):
        expected(written, "host", _HOSTS, given, report)
        return ()
    hosts = tuple(dict.fromkeys(name.strip() for name in names))
    wrong = [name for name in hosts if not _HOST.fullmatch(name)]
    if wrong:
        url = "a host is named here as in the settings: `dockerflow hosts add NAME URL` gives one a name"
        expected(written, "host", _HOSTS, given, report, url if "://" in wrong[0] else None)
        return ()
    return hosts


def _brings_libraries(decorator: StepDecorator) -> bool:
    return isinstance(decorator, Image) or (isinstance(decorator, (Conda, Pypi)) and not decorator.disabled)


def _image(written: Written, options: Options, report: Report) -> Optional[Image]:
    given = options.get("image")
    if given is None or given == "":
        return None
    if not isinstance(given, str) or not is_image_name(given):
        expected(written, "image", 'the name of an image, like `"debian:bookworm"`', given, report)
        return None
    return Image(given)


def _larger(one: Any, other: Any) -> Any:
    given = [value for value in (one, other) if value is not None]
    return max(given) if given else None


def _whole(value: Optional[float]) -> Optional[int]:
    return None if value is None else int(value)

"""What a step may use, and what decorators for other machines (`@batch`, `@kubernetes`) mean for a step that runs here.

Their resources are merged with those of `@resources` as Metaflow does it: where both name one, the larger counts. Their
image becomes the step's unless the step has another one or asks for libraries, which are put on an image of ours. The
rest is for a cluster alone. Where such a step would run on another machine of ours, this is the place that knows it.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List, Optional, Sequence, Tuple

from dockerflow.flow.decorators import Written
from dockerflow.flow.definition import Conda, Elsewhere, Image, Pypi, Resources, StepDecorator
from dockerflow.flow.image_name import is_image_name
from dockerflow.flow.options import Options, Report, expected, number, options_of, positive, positive_whole, whole

__all__ = ["ELSEWHERE", "placed", "resources"]

ELSEWHERE = ("batch", "kubernetes")

_MIB = "a whole number of MiB above 0"


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
    elsewhere: Sequence[Written], decorators: Tuple[StepDecorator, ...], report: Report
) -> Tuple[StepDecorator, ...]:
    """The decorators of a step with what those for other machines add to them."""
    if not elsewhere:
        return decorators
    if len(elsewhere) > 1:
        first, second = elsewhere[:2]
        message = f"`@{second.name}` stands beside `@{first.name}`: a step runs on one machine"
        report.add(second.file, second.line, message, "keep one of the two")
    written = elsewhere[0]
    options = options_of(written, report)
    asked = resources(written, options, report)
    own = next((each for each in decorators if isinstance(each, Resources)), Resources())
    rest = [each for each in decorators if not isinstance(each, Resources)]
    merged = Resources(*[_larger(one, other) for one, other in zip(vars(own).values(), vars(asked).values())])
    image = _image(written, options, report)
    mark = Elsewhere(written.name, written.line)
    if image is not None and any(_brings_libraries(each) for each in rest):
        mark, image = replace(mark, passed_over=image.image), None
    images: List[StepDecorator] = [] if image is None else [image]
    return (*images, *rest, *([] if merged == Resources() else [merged]), mark)


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

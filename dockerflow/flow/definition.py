"""A flow as values: its steps, how they follow each other, and what each asks for.

`loading` makes these from a flow file; `checks` says what is wrong with them; everything outside `flow` works from
them and never from the user's class. Standard library only, Python 3.7.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, Dict, Mapping, Optional, Tuple, Type, TypeVar

from dockerflow.lazy_dataclasses import dataclass

D = TypeVar("D", bound="StepDecorator")


@dataclass(frozen=True)
class StepDecorator:
    """What a decorator on a step says, as a value. `name` is the word after the `@`."""

    name = ""


@dataclass(frozen=True)
class Conda(StepDecorator):
    """Libraries of one step (`@conda`), or of all steps (`@conda_base`, merged under each step's own)."""

    name = "conda"
    libraries: Tuple[Tuple[str, str], ...] = ()  # (package name, conda version spec), sorted
    python: Optional[str] = None
    channels: Tuple[str, ...] = ()  # before the configured ones; empty: the configured ones alone
    disabled: bool = False
    file: Optional[str] = None  # the absolute path of an `environment.yml`, on the machine that starts the run
    lock: Optional[str] = None  # that of a conda-lock file: nothing is solved


@dataclass(frozen=True)
class Pypi(StepDecorator):
    """Python packages of one step from a package index (`@pypi`), or of all steps (`@pypi_base`, merged as above)."""

    name = "pypi"
    packages: Tuple[Tuple[str, str], ...] = ()  # (name, with extras in brackets; version as PEP 440 has it), sorted
    python: Optional[str] = None
    file: Optional[str] = None  # the absolute path of a `requirements.txt` or `pyproject.toml`
    extras: Tuple[str, ...] = ()  # of the `pyproject.toml`, sorted
    disabled: bool = False


@dataclass(frozen=True)
class Image(StepDecorator):
    """An image of the user's own for one step, instead of one that is assembled."""

    name = "image"
    image: str = ""  # `name`, `name:tag`, `name@sha256:…`


@dataclass(frozen=True)
class Retry(StepDecorator):
    name = "retry"
    times: int = 3  # attempts beyond the first
    minutes_between_retries: float = 2.0


@dataclass(frozen=True)
class Catch(StepDecorator):
    name = "catch"
    var: Optional[str] = None
    print_exception: bool = True


@dataclass(frozen=True)
class Resources(StepDecorator):
    """What a task of the step may use. None: no limit, and no GPU."""

    name = "resources"
    cpu: Optional[float] = None  # cores
    memory: Optional[int] = None  # MiB
    gpu: Optional[int] = None  # how many
    disk: Optional[int] = None  # MiB
    shared_memory: Optional[int] = None  # MiB


@dataclass(frozen=True)
class Remote(StepDecorator):
    """The step runs on another Docker host. What it asks for beside that is in `Resources`."""

    name = "remote"
    hosts: Tuple[str, ...] = ()  # any of these; empty: the one that is configured as `remote`


@dataclass(frozen=True)
class Local(StepDecorator):
    """The step runs on this machine's engine, whatever the command line says."""

    name = "local"


@dataclass(frozen=True)
class Timeout(StepDecorator):
    """How long an attempt of the step may take: the sum of the three."""

    name = "timeout"
    seconds: float = 0.0
    minutes: float = 0.0
    hours: float = 0.0

    @property
    def limit(self) -> float:
        """In seconds."""
        return self.seconds + 60 * self.minutes + 3600 * self.hours


@dataclass(frozen=True)
class Isolation(StepDecorator):
    """What is fresh for each task of the step: `fork`, `interpreter` or `container`.

    None: a process that is forked, or an interpreter where that must be.
    """

    name = "isolation"
    level: Optional[str] = None


@dataclass(frozen=True)
class Environment(StepDecorator):
    """Environment variables of the step's tasks, there before the flow is imported."""

    name = "environment"
    vars: Tuple[Tuple[str, str], ...] = ()  # (variable, value), sorted


@dataclass(frozen=True)
class SecretSource:
    """One place that secrets come from, on the machine that starts the run.

    `kind` is `env` (`name` is a variable), `file` (`name` is an absolute path) or `inline` (`values` are the secrets
    themselves). What is read from a variable, or from a file that holds one value alone, goes into `variable`.
    """

    kind: str
    name: str
    variable: Optional[str] = None
    values: Tuple[Tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Secrets(StepDecorator):
    """Where the step's secrets come from; what they are is known only to the launching machine and to the tasks."""

    name = "secrets"
    sources: Tuple[SecretSource, ...] = ()
    allow_override: bool = False  # whether a secret may replace a variable that a task has already


@dataclass(frozen=True)
class Cache(StepDecorator):
    """Results of the step are reused by later runs in which nothing is different that they depend on."""

    name = "cache"


@dataclass(frozen=True)
class Card(StepDecorator):
    """A page about each task of the step. A step may have several, told apart by `id`."""

    name = "card"
    type: str = "default"
    id: Optional[str] = None
    options: Tuple[Tuple[str, Any], ...] = ()
    timeout: float = 45.0  # seconds that making the page may take
    customize: bool = False  # whether `current.card.append` means this one
    save_errors: bool = True  # whether a page that could not be made is replaced by one that says why


@dataclass(frozen=True)
class Parallel(StepDecorator):
    """The step's tasks are the nodes of a gang: they run at the same time and can reach each other."""

    name = "parallel"


@dataclass(frozen=True)
class Elsewhere(StepDecorator):
    """The step asks for another machine, by a decorator of Metaflow's (`word`: `batch` or `kubernetes`).

    What it says of resources is part of the step's `Resources`, and its image is the step's where it names one and the
    step asks for no libraries; `passed_over` is an image that is not used for that reason.
    """

    name = "elsewhere"
    word: str = ""
    line: int = 0
    passed_over: Optional[str] = None


@dataclass(frozen=True)
class AskedProject:
    """What `@project` says; the command line and the user make a `Project` of it."""

    name: str
    branch: Optional[str] = None
    production: Optional[bool] = None
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class Project:
    """The project that a run belongs to (`@project`). `flow_name` is `project.branch.Flow`."""

    name: str
    branch: str
    flow_name: str
    production: bool = False


@dataclass(frozen=True)
class Step:
    """One step: its place in the source, what follows it, and its decorators.

    `next` are the names in `self.next(...)` in their order, each once; `foreach` is the variable of a foreach; `join`
    is set when the step takes `inputs`. With a `condition`, the name of an artifact, exactly one of `next` follows: the
    one that `cases` has for the artifact's value. With `gang`, several tasks of the next step follow, at the same time.
    """

    name: str
    file: str
    line: int  # of its `def`
    doc: str
    next: Tuple[str, ...]
    next_line: int = 0  # of its `self.next`, 0 where there is none
    foreach: Optional[str] = None
    join: bool = False
    decorators: Tuple[StepDecorator, ...] = ()
    condition: Optional[str] = None
    cases: Tuple[Tuple[Any, str], ...] = ()  # (value of the condition, step), as written
    gang: bool = False  # `self.next(self.a, num_parallel=...)`

    def decorator(self, kind: Type[D]) -> Optional[D]:
        """The step's decorator of this kind, with the flow's own (`@conda_base`) merged in; None if it has none."""
        return next((d for d in self.decorators if isinstance(d, kind)), None)

    @property
    def split(self) -> bool:
        """Whether tasks of several steps follow one task of this one."""
        return len(self.next) > 1 and self.condition is None


@dataclass(frozen=True)
class Problem:
    """Something wrong in the flow's source, with its place and what to do about it."""

    file: str
    line: int
    message: str
    hint: Optional[str] = None


@dataclass(frozen=True)
class Import:
    """A module of some library that every step imports with the flow file, and where."""

    module: str  # dotted
    file: str
    line: int


@dataclass(frozen=True)
class ParameterDefinition:
    """A `Parameter` or `IncludeFile` as the command line needs it. `attribute` is its name on the flow."""

    attribute: str
    name: str  # on the command line: `--name`
    kind: str  # `str`, `int`, `float`, `bool`, `json`, `file` (the value given is a path, read at launch)
    required: bool
    default: Any = None
    help: str = ""
    line: int = 0
    hidden: bool = False  # whether help texts leave it out
    shows_default: bool = True


@dataclass(frozen=True)
class ConfigDefinition:
    """A `Config`: its name for `--config` and in expressions, and the attribute of the flow that it is kept in."""

    attribute: str
    name: str
    required: bool
    help: str = ""
    plain: bool = False
    line: int = 0


@dataclass(frozen=True)
class Flow:
    """A flow whose file has been read. Nothing is checked yet: see `checks.problems`."""

    name: str
    file: str  # absolute path
    line: int
    doc: str
    steps: Mapping[str, Step]  # in the order of their definition
    parameters: Tuple[ParameterDefinition, ...] = ()
    configs: Tuple[ConfigDefinition, ...] = ()
    imports: Tuple[Import, ...] = ()  # what only libraries have and every step imports; unknown in a container
    problems: Tuple[Problem, ...] = ()  # what was already found wrong when the source was read
    start: str = "start"  # the step that comes first
    end: str = "end"  # the step that comes last, the same one in a flow of one step
    project: Optional[AskedProject] = None  # what `@project` says
    ignored: Tuple[str, ...] = ()  # decorators of the flow that mean nothing here

    def given_names(self) -> Tuple[str, ...]:
        """The attributes that are parameters or configs, in alphabetical order as in Metaflow."""
        names = [each.attribute for each in self.parameters] + [each.attribute for each in self.configs]
        return tuple(sorted(names))

    def preceding(self) -> Dict[str, Tuple[str, ...]]:
        """For each step the steps whose `self.next` names it, in the order of their definition."""
        found: Dict[str, Tuple[str, ...]] = dict.fromkeys(self.steps, ())
        for step in self.steps.values():
            for name in step.next:
                if name in found:
                    found[name] += (step.name,)
        return found

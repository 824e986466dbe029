"""Read a flow from the source of its class: steps, transitions, decorators, parameters.

A step is understood by its syntax tree alone; nothing of it is run. Each step names the file and line that it is
written at, which may be another module's. What cannot be read is noted in `Flow.problems`; whether the steps fit
together is `checks`' business.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from dataclasses import replace
from types import FunctionType
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from dockerflow.flow.cases_written import look_up_in
from dockerflow.flow.custom import Custom
from dockerflow.flow.decorator_values import decorators_of
from dockerflow.flow.decorators import Written, is_step, written_on
from dockerflow.flow.definition import Catch, Flow, ParameterDefinition, Step
from dockerflow.flow.ends import ends_of
from dockerflow.flow.flow_values import OF_FLOWS, SEVERAL, project_of_flow, without_meaning
from dockerflow.flow.libraries import BASES, check_bases
from dockerflow.flow.members import classes_of, flow_spec_of, members_of, step_functions_of
from dockerflow.flow.next_written import transition_of
from dockerflow.flow.options import Report
from dockerflow.flow.parameter import Parameter
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["read_flow"]


@dataclass(frozen=True)
class _Definition:
    """A function's definition in its file."""

    file: str
    tree: Optional[ast.AST]
    line: int


class _Source:
    """Finds the syntax trees of functions, with each file parsed once."""

    def __init__(self, cls: Any, configs: Mapping[str, Any]) -> None:
        self.look_up = look_up_in(cls, configs)
        self._trees: Dict[str, Dict[int, ast.AST]] = {}

    def of(self, function: Any) -> _Definition:
        function = inspect.unwrap(function)
        code = function.__code__
        if code.co_filename not in self._trees:
            text = "".join(linecache.getlines(code.co_filename, function.__globals__))
            self._trees[code.co_filename] = dict(_functions(text))
        tree = self._trees[code.co_filename].get(code.co_firstlineno)
        return _Definition(code.co_filename, tree, getattr(tree, "lineno", code.co_firstlineno))


def _functions(text: str) -> Iterator[Tuple[int, ast.AST]]:
    """Every function of a file by its first line, which is that of its first decorator: where its code begins."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]), node


def read_flow(cls: Any, configs: Mapping[str, Any], files: bool = False) -> Flow:
    """The flow that a FlowSpec class describes. `configs` are the values of its configs by their names; `files`: look
    whether the files that its decorators name are there.
    """
    report, source = Report(files), _Source(cls, configs)
    file = inspect.getsourcefile(cls) or ""
    of_flow = _of_flow(cls, report)
    base = [written for written in of_flow if written.name in BASES]
    functions = step_functions_of(cls)
    steps = {name: _step(name, function, base, source, report) for name, function in functions.items()}
    start, end = ends_of(functions, report)
    for klass in classes_of(cls):
        _check_body(klass, vars(flow_spec_of(cls)), report)
    _check_start(cls, functions, report)
    for step in steps.values():
        _check_catch(cls, step, report)
    return Flow(
        name=cls.__name__,
        file=file,
        line=_line(cls),
        doc=inspect.cleandoc(cls.__dict__.get("__doc__") or ""),
        steps=steps,
        parameters=_parameters(cls, report),
        project=project_of_flow(of_flow, report),
        ignored=without_meaning(of_flow, report),
        problems=tuple(report.problems),
        start=start,
        end=end,
    )


def _step(name: str, function: Any, base: List[Written], source: _Source, report: Report) -> Step:
    definition = source.of(function)
    step = Step(
        name=name,
        file=definition.file,
        line=definition.line,
        doc=inspect.cleandoc(function.__doc__ or ""),
        next=(),
        decorators=decorators_of(name, written_on(function), base, report),
    )
    if not isinstance(definition.tree, ast.FunctionDef):
        what = "is `async`" if isinstance(definition.tree, ast.AsyncFunctionDef) else "has no source that can be read"
        report.add(step.file, step.line, f"step `{name}` {what}", "a step is a method written with `def`")
        return step
    found = transition_of(definition.tree, inspect.unwrap(function).__globals__, source.look_up)
    for problem in found.problems:
        report.add(step.file, problem.line or step.line, f"step `{name}` {problem.message}", problem.hint)
    return replace(
        step,
        next=found.next,
        next_line=found.line,
        foreach=found.foreach,
        join=found.join,
        condition=found.condition,
        cases=found.cases,
        gang=found.gang,
    )


def _of_flow(cls: Any, report: Report) -> List[Written]:
    """What the class and its bases have for the flow or for every step, the most basic class first; the rest is
    misplaced here."""
    found: List[Written] = []
    for klass in classes_of(cls):
        own: Dict[str, Written] = {}
        for written in written_on(klass):
            at = written.file, written.line
            if written.name in SEVERAL:
                found.append(written)
            elif written.name not in (*BASES, *OF_FLOWS):
                hint = "put it on the steps that it is for"
                report.add(*at, f"`@{written.name}` stands on the class `{klass.__name__}`, which is no step", hint)
            elif written.name in own:
                message = f"`{klass.__name__}` has `@{written.name}` twice, the first on line {own[written.name].line}"
                report.add(*at, message, "write both into one")
            else:
                own[written.name] = written
        found += own.values()
    check_bases([each for each in found if each.name in BASES], report)
    return found


def _check_body(klass: Any, taken: Mapping[str, Any], report: Report) -> None:
    """What a class statement shows and the class no longer: decorators without `@step`, names that are bound twice, or
    are `taken`: those that every flow has.
    """
    for name, value in vars(klass).items():
        if isinstance(value, Custom):  # written bare above what is no step, it has taken that for an argument
            message = f"`@{type(value).__name__}` stands on `{name}`, which is no step"
            report.add(vars(value)["_file"], vars(value)["_line"], message, value._belongs())
        if isinstance(value, FunctionType) and not is_step(value):
            for written in written_on(value):
                message = f"`@{written.name}` stands on `{name}`, which is no step"
                report.add(written.file, written.line, message, f"add `@step` to `{name}`")
    bound: Dict[str, Tuple[str, int]] = {}
    file = inspect.getsourcefile(klass) or ""
    for name, what, line in _bindings(klass):
        if what in ("method", "class attribute") and name in taken and _takes_away(klass, name):
            message = f"`{name}` is a name that every flow has, and is something else here"
            report.add(file, line, message, "give it another name")
        before, at = bound.get(name, ("", 0))
        if before and "step" in (what, before):
            message = f"`{name}` is defined twice, as a {before} on line {at} and as a {what} here"
            report.add(file, line, message, "give one of the two another name")
        bound[name] = what, line


def _check_start(cls: Any, functions: Mapping[str, Any], report: Report) -> None:
    """A flow of `end` alone is one of a single step: if its `start` goes on to others, `@step` was forgotten there."""
    start = getattr(cls, "start", None)
    if list(functions) == ["end"] and isinstance(start, FunctionType) and "next" in start.__code__.co_names:
        code = start.__code__
        report.add(code.co_filename, code.co_firstlineno, "`start` is no step", "add `@step` to `start`")


def _takes_away(klass: Any, name: str) -> bool:
    """Whether a class has something else under a name of FlowSpec; a method that calls `super()` adds to it."""
    if name.startswith("__"):
        return False
    return "super" not in getattr(getattr(vars(klass).get(name), "__code__", None), "co_names", ())


def _check_catch(cls: Any, step: Step, report: Report) -> None:
    catch = step.decorator(Catch)
    if catch is not None and catch.var is not None and hasattr(cls, catch.var):
        message = f"`@catch` of step `{step.name}` keeps its failure in `{catch.var}`, which the class has already"
        line = next((written.line for written in written_on(getattr(cls, step.name)) if written.name == "catch"), 0)
        report.add(step.file, line or step.line, message, "give it another name")


def _bindings(klass: Any) -> Iterator[Tuple[str, str, int]]:
    for node in getattr(_class_tree(klass), "body", ()):
        if isinstance(node, ast.FunctionDef):
            yield node.name, "step" if any(map(_is_step_decorator, node.decorator_list)) else "method", node.lineno
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    yield target.id, "parameter" if _makes_parameter(node.value) else "class attribute", node.lineno


def _is_step_decorator(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id == "step") or (
        isinstance(node, ast.Attribute) and node.attr == "step"
    )


def _makes_parameter(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Parameter", "IncludeFile")


def _class_tree(klass: Any) -> Optional[ast.AST]:
    try:
        lines, _ = inspect.findsource(klass)
        tree = ast.parse("".join(lines))
    except (OSError, TypeError, SyntaxError):
        return None
    named = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == klass.__name__]
    return named[0] if len(named) == 1 else None  # a class defined twice: which of the two cannot be told


def _line(cls: Any) -> int:
    return getattr(_class_tree(cls), "lineno", 0)


def _parameters(cls: Any, report: Report) -> Tuple[ParameterDefinition, ...]:
    found = members_of(cls, lambda value: isinstance(value, Parameter))
    reserved = set(dir(flow_spec_of(cls)))
    names: Dict[str, str] = {}
    for attribute, parameter in found.items():
        at = parameter.file, parameter.line
        faults = parameter.faults()
        for message, hint in faults or _faults_of_default(parameter):
            report.add(*at, message, hint)
        if attribute.startswith("_") or attribute in reserved:
            why = "begins with `_`" if attribute.startswith("_") else "is a name that every flow has"
            report.add(*at, f"parameter `{parameter.name}` cannot be kept in `{attribute}`, which {why}")
        normal = str(parameter.name).lower().replace("-", "_")
        if normal in names:
            message = f"parameter `{parameter.name}` is defined twice, in `{names[normal]}` and in `{attribute}`"
            report.add(*at, message, "upper and lower case, `-` and `_` make no difference")
        names.setdefault(normal, attribute)
    return tuple(parameter.definition() for parameter in found.values())


def _faults_of_default(parameter: Parameter) -> List[Tuple[str, Optional[str]]]:
    """What is wrong with a default that is not of the parameter's type."""
    default, kind = parameter.default, str if parameter.kind == "file" else parameter.type
    if default is None or kind is None or callable(default) or (isinstance(kind, type) and isinstance(default, kind)):
        return []
    # It needs modules for reading files and JSON, which a container's start would wait for.
    from dockerflow.flow.parameters import fault_of_default  # noqa: PLC0415

    return fault_of_default(parameter)

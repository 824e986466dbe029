"""The code that a step can reach, as hashes: what a result depends on of the files that travel with a flow.

What counts for a step is its own function, all else in the flow's file but the functions of other steps, and every
module beside the flow that is imported from there, at any depth: also where only another step imports it, whose
artifacts may be objects of its classes, and where a text names it, as `"package.models.Net"`. Files that are no Python
count, all of them. Where code finds code in a way that cannot be read from it (`importlib`, `exec`, `sys.path`, a
program that is started), all files count.

What does not count: comments and layout, modules that nothing reached imports, and what is declared of a parameter, but
for the `parser` that a step calls: its value counts where it is read. Code of libraries is in the image, that of
dockerflow is not part of a result.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from functools import cached_property
from pathlib import PurePosixPath

from dockerflow.caching.canonical import hash_of_nodes, parsed
from dockerflow.caching.imports import finds_code_by_itself, imported, named
from dockerflow.caching.key import CannotTell
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["Code", "Place"]

Place = tuple[str, int]  # a file of the package, and the line of a step's `def`

_PARAMETERS = frozenset({"Parameter", "IncludeFile", "Config"})

# A file with the name of one of Python's modules is what libraries import instead of that.
_BEFORE_LIBRARIES = sys.stdlib_module_names | {"sitecustomize", "usercustomize"}


@dataclass(frozen=True)
class Code:
    """The user's files by their paths below the flow's folder, which of them is the flow's, where its steps are, and
    the names of its parameters and configs. `decorators` are the places of those of ours, which count by what they
    say, as options or in the image; `roots` are modules that the command line names."""

    files: Mapping[str, bytes]
    flow_file: str
    steps: Mapping[str, Place]
    given: frozenset[str] = frozenset()
    decorators: frozenset[Place] = frozenset()
    roots: tuple[str, ...] = ()
    _trees: dict[str, ast.Module | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def reached_by(self, step: str) -> dict[str, str]:
        """The hashes of what the step reaches: `train()` for its own function, and files by their paths.

        Raises CannotTell for a step whose function is in none of the files.
        """
        file, line = self.steps[step]
        function = self._function(file, line)
        if function is None:
            raise CannotTell("code", f"the function of step `{step}` is in no file beside the flow")
        own = ast.FunctionDef(**{**dict(ast.iter_fields(function)), "decorator_list": self._others(file, function)})
        others = self._left_out(step, own)
        found = {f"{step}()": hash_of_nodes([own])}
        for name in sorted(self._reached):
            content = self.files[name]
            tree = self._tree(name)
            skipped = {*others, (file, line)}
            found[name] = _plain(content) if tree is None else hash_of_nodes(self._counting(name, tree, skipped))
        return found

    def _tree(self, name: str) -> ast.Module | None:
        if name not in self._trees:
            self._trees[name] = parsed(self.files[name]) if name.endswith(".py") else None
        return self._trees[name]

    # ---- files

    @cached_property
    def _modules(self) -> Mapping[str, str]:
        """Files by the names of their modules."""
        return {_module(name): name for name in sorted(self.files) if name.endswith(".py")}

    @cached_property
    def _reached(self) -> frozenset[str]:
        data = {name for name in self.files if not name.endswith(".py")}
        reached: set[str] = set()
        waiting = [self.flow_file, *(file for root in self.roots for file in self._with_parents(root))]
        waiting += [file for file, _ in self.steps.values() if file in self.files]
        waiting += [file for name, file in self._modules.items() if name.partition(".")[0] in _BEFORE_LIBRARIES]
        while waiting:
            name = waiting.pop()
            if name in reached:
                continue
            reached.add(name)
            tree = self._tree(name)
            if tree is None or finds_code_by_itself(tree):
                return frozenset(self.files)
            for wanted in (*imported(tree, _package(name)), *named(tree)):
                waiting += self._below(wanted[:-2]) if wanted.endswith(".*") else self._with_parents(wanted)
        return frozenset(reached | data)

    def _with_parents(self, module: str) -> Iterator[str]:
        """`a.b.c` is imported after `a` and `a.b`."""
        words = module.split(".")
        names = (".".join(words[:count]) for count in range(1, len(words) + 1))
        return (self._modules[name] for name in names if name in self._modules)

    def _below(self, package: str) -> Iterator[str]:
        yield from self._with_parents(package)
        yield from (file for name, file in self._modules.items() if name.startswith(f"{package}."))

    # ---- within files

    def _function(self, file: str, line: int) -> ast.FunctionDef | None:
        tree = self._tree(file) if file in self.files else None
        nodes = ast.walk(tree) if tree is not None else iter(())
        return next((node for node in nodes if isinstance(node, ast.FunctionDef) and node.lineno == line), None)

    def _left_out(self, step: str, own: ast.AST) -> set[Place]:
        """The other steps, without those that something which counts calls by their names."""
        others = {name: place for name, place in self.steps.items() if name != step}
        texts = [own]
        for name in self._reached:
            tree = self._tree(name)
            texts += [] if tree is None else self._counting(name, tree, set(self.steps.values()))
        called = _called(texts, others)
        while called:
            new = [self._function(*others.pop(name)) for name in called]
            called = _called((each for each in new if each is not None), others)
        return set(others.values())

    def _counting(self, name: str, tree: ast.Module, skipped: Iterable[Place]) -> list[ast.AST]:
        lines = {line for file, line in skipped if file == name}

        def is_left_out(node: ast.AST) -> bool:
            if isinstance(node, ast.FunctionDef):
                return node.lineno in lines
            return self._declares_given(node)

        def counting(node: ast.AST) -> ast.AST:
            """A class without what is left out of it, and in it of classes; anything else is whole."""
            if not isinstance(node, ast.ClassDef):
                return node
            body = [counting(each) for each in node.body if not is_left_out(each)]
            left = {"body": body, "decorator_list": self._others(name, node)}
            return ast.ClassDef(**{**dict(ast.iter_fields(node)), **left})

        return [counting(node) for node in tree.body]

    def _others(self, file: str, node: ast.FunctionDef | ast.ClassDef) -> list[ast.expr]:
        """The decorators that are not ours."""
        ours = {line for each, line in self.decorators if each == file}
        return [each for each in node.decorator_list if ours.isdisjoint(range(each.lineno, _end(each) + 1))]

    def _declares_given(self, node: ast.AST) -> bool:
        """`alpha = Parameter(...)`, in a class: how it comes to its value, and not what a step makes of that."""
        if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.value, ast.Call):
            return False
        target, function = node.targets[0], node.value.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        declares = isinstance(target, ast.Name) and target.id in self.given and name in _PARAMETERS
        return declares and (name == "Parameter" or not _is_changed_in_steps(node.value))


def _is_changed_in_steps(declared: ast.Call) -> bool:
    """`IncludeFile(..., parser=read)` and `Config(..., plain=True)`."""
    options = {each.arg for each in declared.keywords}
    return len(declared.args) > 1 or not options.isdisjoint({"parser", "plain", None})


def _end(node: ast.expr) -> int:
    return node.end_lineno or node.lineno


def _called(nodes: Iterable[ast.AST], steps: Iterable[str]) -> set[str]:
    """The steps that are named in another way than in `self.next(...)`."""
    names, found = frozenset(steps), set[str]()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Attribute) and node.attr in names and not _is_inputs(node.value):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names:
            found.add(node.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "next":
            continue
        waiting += ast.iter_child_nodes(node)
    return found


def _is_inputs(node: ast.AST) -> bool:
    """`inputs.train` is a task of that step, which counts by its artifacts."""
    return isinstance(node, ast.Name) and node.id == "inputs"


def _plain(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _module(file: str) -> str:
    path = PurePosixPath(file)
    return ".".join(path.parent.parts if path.name == "__init__.py" else path.with_suffix("").parts)


def _package(file: str) -> tuple[str, ...]:
    """What relative imports of a file begin from."""
    return PurePosixPath(file).parent.parts

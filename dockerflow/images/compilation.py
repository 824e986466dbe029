"""The bytecode layers of one environment: a further layer beside each package's that has modules without bytecode.

A package's modules are compiled as soon as its layer is there, while other layers are still being written. One
container compiles for all of them; it is started when the first package is found to need it, or before, on a guess
(`start`): a guess changes how long it takes and nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

from dockerflow.images import bytecode
from dockerflow.images.assembly import Assembly, Found, PackageLayers, StoppedError, is_empty
from dockerflow.images.bytecode import Compiler, Session, Sources, without_bytecode, write_bytecode
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.layer_cache import layer_key, verify
from dockerflow.images.metadata import Python
from dockerflow.images.tar import LayerWriter
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import Compiling

# Packages whose layers are waited for at once. Most of a thread's time goes into waiting for the container.
_THREADS = 8


@dataclass(frozen=True)
class Interpreter:
    """The Python that compiles: its package's hash, and the image that has it, to be had when its layers are there."""

    python: Python
    package_sha256: str
    image: Callable[[], StepImage]


class Compilation:
    """Compiles for one assembly, from `with` to its end."""

    def __init__(self, assembly: Assembly, compiler: Compiler, interpreter: Interpreter) -> None:
        self._assembly = assembly
        self._compiler = compiler
        self._interpreter = interpreter
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="bytecode")
        self._starting = threading.Lock()
        self._session: Session | None = None
        self._open = ExitStack()
        self._over = False

    def __enter__(self) -> Compilation:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._starting:
            self._over = True
            self._open.close()  # whoever still waits for a result is told that there is none

    def layers(self, found: PackageLayers) -> tuple[Future[Layer], ...]:
        """The bytecode layer of each package layer; an empty one (see `is_empty`) where nothing is missing."""
        return tuple(self._pool.submit(self._layer, one) for one in found.layers)

    def start(self) -> None:
        """Start the container now, as it will be needed."""
        self._pool.submit(self._started)

    def _layer(self, package: Future[Found]) -> Layer:
        found = package.result()
        key = layer_key("dockerflow.bytecode", bytecode.RECIPE, found.layer.diff_id, self._interpreter.package_sha256)

        title = f"bytecode of {found.layer.title}"

        def content(out: LayerWriter) -> None:
            sources = self._sources(found)
            compiled = self._compiling(sources, title).compile(sources) if sources.modules else {}
            write_bytecode(out, compiled, self._interpreter.python)

        made = self._assembly.find_or_write(key, title, content)
        if not is_empty(made.layer):
            self._assembly.tell(made, more=1)
        return made.layer

    def _sources(self, found: Found) -> Sources:
        if not found.written:
            verify(found.layer)  # what is made from it is kept under its name
        return without_bytecode(found.layer, self._interpreter.python)

    def _compiling(self, sources: Sources, title: str) -> Session:
        self._assembly.notify(Compiling(self._assembly.steps, len(sources.modules), title))
        return self._started()

    def _started(self) -> Session:
        with self._starting:
            if self._over:
                raise StoppedError
            if self._session is None:
                self._session = self._open.enter_context(self._compiler.session(self._interpreter.image()))
            return self._session

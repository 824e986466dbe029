"""A debugging session, where the task was: its `self`, the step run once more, the frame that failed, and Python.

It lies beside `beginning`, which has put our modules on the path before it imports this one; in a notebook's kernel as
well. Standard library only, Python 3.7.
"""

import os
import sys
import traceback
from typing import Any, Dict


class Session:
    """One task, looked into: `told` is what SESSION.JSON says."""

    def __init__(self, told: Dict[str, Any]) -> None:
        self.told = told
        self.names: Dict[str, Any] = {}  # of the interactive Python
        self.traceback: Any = None  # of the last failure
        self.wants_again = False
        self.opens = True  # the debugger, by itself
        self._task: Any = None

    # The task

    def load(self) -> None:
        """Import the flow as its files are now, and make the task from the beginning."""
        from dockerflow.flow.definition import Environment
        from dockerflow.runtime.messages import RunTask, from_json
        from dockerflow.runtime.open_task import OpenTask

        loaded, randomness = self._imported()
        with open(self.told["task"], encoding="utf-8") as stream:
            request = from_json(RunTask, stream.read())
        if request.step not in loaded.flow.steps:
            listed = ", ".join(f"`{name}`" for name in loaded.flow.steps)
            raise LookupError(f"the flow has no step `{request.step}` any more: there is {listed}")
        step = loaded.flow.steps[request.step]
        variables = dict((step.decorator(Environment) or Environment()).vars)
        if any(os.environ.get(name) != value for name, value in variables.items()):
            os.environ.update(variables)  # which the flow's import may look at, too
            loaded, randomness = self._imported()
        self._secrets(step)
        randomness.begin()
        self._task = OpenTask(loaded.cls, loaded.flow, request, self._blobs(request))
        sys.last_traceback = self.traceback = None
        self._name(sys.modules[loaded.cls.__module__])

    def run(self) -> bool:
        """Run the step; whether it came to its end. Says what became of it."""
        from dockerflow.flow.spec import view_of
        from dockerflow.flow.tracebacks import traceback_of

        try:
            self._task.run()
        except BaseException as error:  # noqa: BLE001 - SystemExit and Ctrl-C are looked into as well
            sys.last_traceback = self.traceback = self._of_user(error.__traceback__)
            said = traceback_of(error.with_traceback(self.traceback))
            hint = getattr(error, "hint", None)
            tell("\n{}{}".format(said, f"\n\nhint: {hint}" if hint else ""))
            self.names.update(self._locals())
            return False
        taken = view_of(self._task.this).taken
        to = ", ".join(f"`{name}`" for name in taken.steps) if taken else "nothing"
        tell(f"\nthe step came to its end; it is followed by {to}")
        return True

    def again(self) -> None:
        """Read the flow's files as they are now, and run the step from its beginning."""
        if self._loads():
            failed = not self.run()
            while failed and self.opens and self.opens_post_mortem():
                failed = self._loads() and not self.run()

    def pm(self) -> None:
        """Open the frame of the last failure."""
        self.traceback = self._of_user(getattr(sys, "last_traceback", None))
        if self.traceback is None:
            tell("nothing has failed by now: `again()` runs the step")
        elif self.opens_post_mortem():
            self.again()

    def opens_post_mortem(self) -> bool:
        """Let the user look at the frames; whether the step is to be run again."""
        self.wants_again = False
        _debugger(self).interaction(None, self.traceback)
        return self.wants_again

    def _loads(self) -> bool:
        from dockerflow.errors import DockerflowError

        try:
            self.load()
        except DockerflowError as error:
            text = getattr(error, "traceback", "")
            hint = f"\n\nhint: {error.hint}" if error.hint else ""
            tell(f"{text}\nerror: {error.message}{hint}")
        except Exception:  # noqa: BLE001 - whatever the user's module raises
            traceback.print_exc(limit=-1)
        else:
            return True
        tell("\nthe task is not open: mend the flow's files in {}, then `again()`".format(self.told["files"]))
        return False

    def _imported(self) -> Any:
        import linecache

        from dockerflow.flow.given import Given
        from dockerflow.flow.loading import load
        from dockerflow.runtime.randomness import Randomness

        code = self.told["code"] + os.sep
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", None) or "").startswith(code):
                del sys.modules[name]
        linecache.checkcache()
        with open(self.told["given"], encoding="utf-8") as stream:
            given = Given.from_json(stream.read())
        file, randomness = os.path.join(code, self.told["flow_file"]), Randomness()
        sys.argv = [file]
        with randomness.watching():
            return load(file, self.told["flow_name"], stand_ins=False, given=given), randomness

    def _blobs(self, request: Any) -> Any:
        if self.told["blobs"]:
            from dockerflow.store.blobs import Blobs

            return Blobs(self.told["blobs"], self.told["outbox"])
        from dockerflow.runtime.task_blobs import TaskBlobs
        from dockerflow.store.s3.granted import granted_store
        from dockerflow.store.s3.line import VARIABLE, Line

        return TaskBlobs(granted_store(Line(os.environ[VARIABLE]), self.told["outbox"]).blobs, self.told["outbox"])

    def _secrets(self, step: Any) -> None:
        """Those that are written in the flow; others are of the machine that the run was started on."""
        from dockerflow.flow.definition import Secrets

        missing = []
        for source in (step.decorator(Secrets) or Secrets()).sources:
            os.environ.update(dict(source.values))
            name = source.variable or source.name
            if source.kind != "inline" and name not in os.environ:
                missing.append(f"`{name}`")
        if missing:
            tell("note: secrets of the step are not here: {}; `--env NAME` gives one".format(", ".join(missing)))

    # The interactive Python

    def _name(self, module: Any) -> None:
        """As in the step, more or less: the names of the flow's file, and `self`."""
        self.names.update({name: value for name, value in vars(module).items() if not name.startswith("__")})
        self.names.update({"__name__": "__console__", "self": self._task.this, "again": self.again, "pm": self.pm})
        if self._task.inputs is not None:
            self.names["inputs"] = self._task.inputs
        if self.told["manifest"]:
            self.names["recorded"] = self._task.left(self.told["manifest"])

    def _locals(self) -> Dict[str, Any]:
        """Of the user's innermost frame, but for what the session itself has by that name."""
        found: Dict[str, Any] = {}
        step = self.traceback
        while step is not None:
            if self.is_users(step.tb_frame):
                found = step.tb_frame.f_locals
            step = step.tb_next
        kept = {name: self.names.get(name) for name in ("self", "again", "pm")}
        return {name: value for name, value in found.items() if name not in kept and name.isidentifier()}

    def is_users(self, frame: Any) -> bool:
        return str(frame.f_code.co_filename).startswith(self.told["code"] + os.sep)

    def _of_user(self, traceback: Any) -> Any:
        """From the user's first frame on."""
        step = traceback
        while step is not None and not self.is_users(step.tb_frame):
            step = step.tb_next
        return step or traceback

    def interact(self) -> None:
        if self._loads() and self.told["run"] and not self.run():
            tell("\npost mortem: `again` runs the step with the flow's files as they are now, `q` goes on to Python")
            if self.opens_post_mortem():
                self.again()
        self.names.setdefault("again", self.again)
        _console(self.names, self._greeting())

    def _greeting(self) -> str:
        there = [f"`{name}`" for name in ("self", "inputs", "recorded") if name in self.names]
        version = ".".join(map(str, sys.version_info[:3]))
        text = "\nPython {}{}".format(version, " with " + ", ".join(there) if there else "")
        text += "\n  again()   runs the step from its beginning, with the flow's files as they are now"
        if self.traceback is not None:
            text += "\n  pm()      opens the frame that failed"
        if self.told["manifest"]:
            text += "\n  recorded  has what the task left when it ran, as `recorded.x`"
        return text + "\n  Ctrl-D    leaves"


def tell(text: str) -> None:
    print(text, flush=True)


def _debugger(session: Session) -> Any:
    import pdb

    class PostMortem(pdb.Pdb):
        def setup(self, frame: Any, tb: Any) -> Any:
            """Begin with the user's innermost frame, though a library may have raised the exception."""
            stop = super().setup(frame, tb)
            users = [index for index, (each, _) in enumerate(self.stack) if session.is_users(each)]
            if users:
                self.curindex = users[-1]
                self.curframe = self.stack[self.curindex][0]
                self.curframe_locals = self.curframe.f_locals
            return stop

        def do_again(self, argument: str) -> Any:
            """again\n\nRun the step from its beginning, with the flow's files as they are now."""
            session.wants_again = True
            return self.do_quit(argument)

    debugger = PostMortem()
    debugger.reset()
    return debugger


def _console(names: Dict[str, Any], greeting: str) -> None:
    tell(greeting)
    if sys.stdin.isatty():
        try:
            from IPython import start_ipython
        except ImportError:
            pass
        else:
            start_ipython(argv=["--no-banner", "--no-confirm-exit", "--quick"], user_ns=names)
            return
    import code

    try:
        import readline
        import rlcompleter
    except ImportError:
        pass
    else:
        readline.set_completer(rlcompleter.Completer(names).complete)
        readline.parse_and_bind("tab: complete")
    code.interact(banner="", local=names, exitmsg="")

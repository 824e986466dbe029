"""Called with `dockerflow` or `metaflow`: start runs of `flow.py` with its Runner, and print facts, one a line."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from typing import Any

package = importlib.import_module(sys.argv[1])
OPTIONS: dict[str, Any] = {"engine": "process"} if sys.argv[1] == "dockerflow" else {}


def tell(question: str, answer: Any) -> None:
    print(json.dumps([question, answer]))


def raised(call: Any, *kinds: type[BaseException]) -> list[str]:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - that is the question
        return [kind.__name__ for kind in kinds if isinstance(error, kind)]
    return ["nothing"]


def runner() -> Any:
    return package.Runner("flow.py", show_output=False, pylint=False, **OPTIONS)


def facts(name: str, running: Any) -> None:
    tell(f"{name}: type", type(running).__name__)
    tell(f"{name}: status", running.status)
    tell(f"{name}: returncode", running.returncode)
    tell(f"{name}: run", [type(running.run).__name__, running.run.parent.id, running.run.finished])
    tell(f"{name}: successful", running.run.successful)
    tell(f"{name}: tags", sorted(running.run.user_tags))
    tell(f"{name}: printed", "hello from start" in running.stdout)
    if running.run.successful:
        data = running.run.data
        tell(f"{name}: data", [data.x, data.flag, data.text, data.options])


def waiting_for_the_end() -> None:
    tell("no file", raised(lambda: package.Runner("none.py"), FileNotFoundError))
    tell("no such option", raised(lambda: package.Runner("flow.py", max_worker=1).run(), ValueError, TypeError))
    tell("no such argument", raised(lambda: runner().run(alhpa=1), ValueError, TypeError))
    with runner().run(alpha=5, tags=["one", "two"], max_workers=1, options={"a": [1, None]}, text=None) as running:
        facts("well", running)
    tell("after the with", raised(lambda: running.stdout, FileNotFoundError))
    failing = runner().run(alpha=-1, flag=True, text="with spaces")
    facts("failing", failing)
    facts("resumed", runner().resume(origin_run_id=failing.run.id, tags=["again"]))


async def beside() -> None:
    async with runner() as made:
        running = await made.async_run(alpha=1)
        tell("beside: waits for nothing", running.run.parent.id)
        lines = [line async for _, line in running.stream_log("stdout")]
        tell("beside: lines", sum("hello from start" in line for line in lines))
        tell("beside: wait gives itself", await running.wait() is running)
        facts("beside", running)
        whole = [found async for found in running.stream_log("stdout")]  # of one that goes on, theirs may cut lines
        rest = [found async for found in running.stream_log("stdout", position=whole[0][0])]
        tell("beside: from a position", rest == whole[1:])
        endless = await made.async_run(text="wait")
        tell("endless: before", [endless.status, endless.returncode])
        await endless.wait(timeout=1)
        tell("endless: after", [endless.status, endless.returncode == 0])


waiting_for_the_end()
asyncio.run(beside())

"""Get the programs of every engine, so that the tests need not wait for them: `python -m tests.engines`."""

from tests.engines import daemons, programs

for kind in daemons.KINDS:
    print(f"{kind}: {programs.version(daemons.KINDS[kind].program)}", flush=True)

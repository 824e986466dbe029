"""A step's library spec, and the lock that it is solved to.

    request       a step's `@conda` → an EnvironmentSpec (`spec`)
    locks         a spec → its Lock (`lock`): committed beside the flow, kept in the store, or solved
    solver        a spec → a new Lock, by py-rattler; `channels` asks, `explanation` says why there is none
    lock_file     a Lock ↔ a conda-lock file

`spec` and `lock` are values and cost nothing to import; `event_loop.run` is how any coroutine of py-rattler is waited
for. Import from the modules: nothing is imported here.
"""

__all__: list[str] = []

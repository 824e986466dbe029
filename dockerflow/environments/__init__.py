"""A step's library spec, and the lock that it is solved to.

    request       what a step asks for (`@conda`, `@pypi`, its files) → an EnvironmentSpec, a GivenLock, a GivenImage
    locks         that → its Lock (`lock`): `committed` beside the flow, `given`, kept in the store, or solved
    solver        a spec → a new Lock: conda's part by py-rattler (`channels` asks, `explanation` says why there is
                  none), the rest by uv on top of it (`pypi`, `pypi_uv`, `pypi_refusals`)
    relock        the committed locks of a flow → what they should be
    lock_file     a Lock ↔ a conda-lock file; `fit` says whether one gives what a spec asks for

`spec` and `lock` are values and cost nothing to import; `event_loop.run` is how any coroutine of py-rattler is waited
for. Import from the modules: nothing is imported here.
"""

__all__: list[str] = []

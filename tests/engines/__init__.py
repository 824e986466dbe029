"""The engines that step images and workers are tried on, each started for the tests alone.

    programs    the engines' programs: Debian's packages, and what is built from Go modules
    daemons     start one of them, in a world of its own, and stop it without a trace
    fixtures    all of these as pytest fixtures

Run as `python -m tests.engines`, it gets the programs and says which they are.
"""

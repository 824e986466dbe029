"""The commands; the only place of dockerflow that prints.

    main      the one boundary: a command line in, an exit code out, every error as two lines
    app       the commands, their options and help texts, as typer wants them
    commands  how a typer app becomes a call with an exit code, with our help and errors
    options   the options of `dockerflow run`: its own, and the parameters of the flow that is run
    running   `run`: from the command line to a run, and its result
    picture   what a run looks like by now: the events of `dockerflow.progress` folded into counts
    sentences what happened, in the words that both views use
    board     the picture as lines of a terminal
    live      the board on a terminal, kept up to date
    apart     whatever view it is, in a thread of its own: a run waits for no reader
    plain     one line per event, for pipes and files
    checking  `check` and `show`
    drawing   a flow as a tree of its steps
    meeting   where the ways come together that a step opens
    killing   `runs kill`: end runs of other terminals and machines
    reading   `logs`: what tasks have printed; `dumping` is `dump`, and `looking` has images show values
    runs_listing `runs list`: runs by what is known of them and by results; `runs_shown` has its tables
    diffing   `diff`: two runs beside each other
    inspecting `inspect`: what is recorded of a run, a step, a task, an artifact; `inspected` is that as one document
    images    `images list` and `show`: what engine, cache and store know of step images
    giving    `images export` and `images push`
    sbom      `images sbom`
    pruning   `images prune`
    machine   `setup` and `doctor`: what this machine has and lacks
    hosts     `hosts`: Docker hosts in the settings, and what a run would find there; those that `--host` names
    places    which configuration and which store a command works with
    words     how durations, sizes, counts and types are written
    tables    columns for people, JSON for programs
    meter     one line on a terminal that says how far something is
    streams   standard output and error as a command needs them
    errors    what is wrong with a command line, and how any error is shown

Modules are imported when a command needs them: `dockerflow --help` loads neither rich nor Docker's library.
"""

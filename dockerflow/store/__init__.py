"""What is kept of runs, in a directory or a bucket: may be read at any moment and survives a kill at any moment.

    base          what every store does
    directory     a store in a folder; where one is found
    here          which store is meant where none is named
    s3_store      a store in a bucket, on any client of one; its blobs are `s3_blobs`
    s3            what a client of a bucket does, and one with the standard library alone
    blobs         bytes by their sha256: artifacts, logs, code packages
    delivery      handing a large blob to the scheduler
    manifest      a task's artifacts in one blob
    run_artifacts those of a run's tasks, with the parameters of the run
    code_package  what a container runs, as one tar
    log           what an attempt printed
    records       the events of a run
    journal       a run's records, appended and read
    history       a run as its journal tells it
    tags          what may be a tag of a run
    run_tags      the tags of a run, which change after it has begun
    overview      all runs of a flow at a glance
    runs          which runs there are, under which keys, and whose scheduler lives
    sweep         removing what killed processes left
    living        whether a process still lives
    pieces        bytes that are about to be sent
    parallel      asking a store far away for many things at a time
    sockets       those with a path
    files         writing a file so that it is whole or not there
    mapped        reading a file by mapping it
    mirror        what is kept of a run's images
    uses          what runs use which blobs for

Shipped into step containers: standard library only, Python 3.7.
"""

"""Look into a task of a past run where it ran: in its image, on the same inputs, with code that can be edited.

    subject     the task, and the way the user wants to look at it
    code        where the flow's files are: unpacked from the run's record, or a folder of the user's
    files       what a session is given besides: our modules, the task, the program
    beginning   what runs there: be where the task was, and then the session, a shell or Jupyter
    program     the session: `self` is made, the step is run, the frame that failed is opened
    terminal    between the user's terminal and that of the session
    bucket      what the session asks of a store in a bucket, answered as for a step
    jupyter     where Jupyter listens
    there       which Python and which libraries an image has
    beside      Jupyter beside an image that has none
    notebook    what begins Jupyter and its kernels in the session
    container   a session in a container
    process     a session in a process of this Python, for tasks that had no image

Nothing that a session computes is kept: there is no run, and its folder goes with it.
"""

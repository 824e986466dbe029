"""Look at artifacts in the image of the step that wrote them, where this Python has not the libraries.

    values      what is asked for, and what comes of it
    program     what runs in the container: one value after the other, an expression over each
    images      have an engine hold the image that a step of a past run had
    session     the container, and the talk with it
    errors      what may go wrong

For hosts alone: `client` imports it when it is asked to. A value is unpickled in a container without network, as nobody
and with nothing of this machine in sight.
"""

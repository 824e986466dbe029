"""`python -m dockerflow`: the command, by the Python that is meant.

Python puts the working directory before everything else then. The command is called from anywhere, and a file there
that is named like a library is none.
"""

import sys

if __name__ == "__main__":
    del sys.path[0]
    from dockerflow.cli.main import main

    sys.exit(main())

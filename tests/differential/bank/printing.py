import logging
import os
import subprocess
import sys

from dockerflow import FlowSpec, step


class Printing(FlowSpec):
    """Lines of both streams, in order, from wherever they come; none is lost."""

    @step
    def start(self):
        print("one\\n\\nthree")
        print("no newline", end="")
        print("to stderr", file=sys.stderr)
        sys.stdout.flush()
        os.write(1, b", raw\\n")
        subprocess.run(["echo", "from a child"], check=True)
        print("  indented\\ttabs \\x1b[31mred\\x1b[0m")
        logging.getLogger("mine").warning("a warning")
        self.next(self.many)

    @step
    def many(self):
        for number in range(2000):
            print("line", number)
        self.next(self.end)

    @step
    def end(self):
        print("last line has no end", end="")


if __name__ == "__main__":
    Printing()

import os

import shapes

from dockerflow import FlowSpec, step


class WorkingFolder(FlowSpec):
    """Modules beside the flow can be imported, the folder can be written to."""

    @step
    def start(self):
        with open("made.txt", "w") as file:
            file.write("text")
        self.exists = os.path.exists("made.txt")
        self.area = shapes.Square(2).area()
        self.next(self.end)

    @step
    def end(self):
        self.again = shapes.Square(4).area()


if __name__ == "__main__":
    WorkingFolder()

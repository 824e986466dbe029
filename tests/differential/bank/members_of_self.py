"""What a step finds on `self` besides artifacts."""

from __future__ import annotations

import os

from dockerflow import FlowSpec, Parameter, step


def said(ask):
    try:
        return repr(ask())
    except AttributeError:
        return "AttributeError"


class MembersOfSelf(FlowSpec):
    p = Parameter("p", default=1)
    constant = [1, 2]

    @property
    def doubled(self):
        return 2 * self.x

    @staticmethod
    def helper(x):
        return x + 1

    @classmethod
    def named(cls):
        return cls.__name__

    @step
    def start(self):
        self.x = 1
        self._private = "kept"
        self.asked = [
            said(lambda: self.name),
            said(lambda: self.index),
            said(lambda: self.input),
            said(lambda: self.foreach_stack()),
            said(lambda: self.script_name),
            said(lambda: [one.__name__ for one in self]),
            said(lambda: "start" in self),
            said(lambda: self.__class__.__name__),
            said(lambda: str(self)),
            said(lambda: hasattr(self, "nothing")),
            said(lambda: (self.doubled, self.helper(1), self.named())),
            said(lambda: self.cmd("echo hi > a", output=["a"])),
            said(lambda: setattr(self, "p", 3)),
            said(lambda: setattr(self, "constant", 3)),
            said(lambda: setattr(self, "index", 3)),
            said(lambda: setattr(self, "input", 3)),
            said(lambda: setattr(self, "script_name", 3)),
            said(lambda: setattr(self, "doubled", 3)),
            said(lambda: delattr(self, "p")),
            said(lambda: delattr(self, "constant")),
            said(lambda: delattr(self, "nothing")),
        ]
        self.writable = os.access(".", os.W_OK)
        self.xs = ["a", "a longer text than is shown", None, 4.5]
        self.next(self.each, foreach="xs")

    @step
    def each(self):
        self.said = str(self), self.index, self.input, self.foreach_stack(), self.doubled, self._private
        self.next(self.join)

    @step
    def join(self, inputs):
        self.texts = [str(i) for i in inputs], [i.index for i in inputs], [i.doubled for i in inputs]
        self.stack = self.foreach_stack(), self.index, self.input, str(self)
        self.nothing_private = hasattr(self, "_private")
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    MembersOfSelf()

"""Models of scikit-learn, trained in one container and asked in another, with other versions of it and of numpy."""

import trained_here

from dockerflow import FlowSpec, conda, conda_base, step

OLD = {"scikit-learn": "1.3.2", "numpy": "1.26.4", "scipy": "1.11.4"}
MIDDLE = {"scikit-learn": "1.5.2", "numpy": "1.26.4", "scipy": ">=1.15"}
MIDDLE_NUMPY_2 = {"scikit-learn": "1.5.2", "numpy": ">=2", "scipy": ">=1.15"}
NEWEST = {"scikit-learn": ">=1.7", "numpy": ">=2", "scipy": ">=1.15"}


@conda_base(python="3.11")
class Models(FlowSpec):
    @step
    def start(self):
        self.next(self.write_old, self.write_middle, self.write_middle_numpy_2, self.write_newest)

    @conda(libraries=OLD)
    @step
    def write_old(self):
        trained_here.write(self, "old")
        self.next(self.all_written)

    @conda(libraries=MIDDLE)
    @step
    def write_middle(self):
        trained_here.write(self, "middle")
        self.next(self.all_written)

    @conda(libraries=MIDDLE_NUMPY_2)
    @step
    def write_middle_numpy_2(self):
        trained_here.write(self, "middle_numpy_2")
        self.next(self.all_written)

    @conda(libraries=NEWEST)
    @step
    def write_newest(self):
        trained_here.write(self, "newest")
        self.next(self.all_written)

    @step
    def all_written(self, inputs):
        self.merge_artifacts(inputs)
        self.next(self.split)

    @step
    def split(self):
        self.next(self.read_old, self.read_middle, self.read_middle_numpy_2, self.read_newest)

    @conda(libraries=OLD)
    @step
    def read_old(self):
        self.found_old = trained_here.read(self)
        self.next(self.all_read)

    @conda(libraries=MIDDLE)
    @step
    def read_middle(self):
        self.found_middle = trained_here.read(self)
        self.next(self.all_read)

    @conda(libraries=MIDDLE_NUMPY_2)
    @step
    def read_middle_numpy_2(self):
        self.found_middle_numpy_2 = trained_here.read(self)
        self.next(self.all_read)

    @conda(libraries=NEWEST)
    @step
    def read_newest(self):
        self.found_newest = trained_here.read(self)
        self.next(self.all_read)

    @step
    def all_read(self, inputs):
        self.found = {name: getattr(getattr(inputs, f"read_{name}"), f"found_{name}") for name in trained_here.SETS}
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Models()

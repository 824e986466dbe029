"""Every kind of value, written with each set of versions in a container of its own and read with each in another."""

import crossing

from dockerflow import FlowSpec, conda, conda_base, step


@conda_base(python="3.11")
class Matrix(FlowSpec):
    @step
    def start(self):
        self.next(
            self.write_oldest,
            self.write_old,
            self.write_middle,
            self.write_middle_numpy_2,
            self.write_newest_numpy_1,
            self.write_newest,
        )

    @conda(libraries={"pandas": "1.5.3", "numpy": "1.26.4", "scipy": "1.11.4"})
    @step
    def write_oldest(self):
        crossing.write(self, "oldest")
        self.next(self.all_written)

    @conda(libraries={"pandas": "2.0.3", "numpy": "1.26.4", "scipy": "1.11.4"})
    @step
    def write_old(self):
        crossing.write(self, "old")
        self.next(self.all_written)

    @conda(libraries={"pandas": "2.2.3", "numpy": "1.26.4", "scipy": ">=1.15"})
    @step
    def write_middle(self):
        crossing.write(self, "middle")
        self.next(self.all_written)

    @conda(libraries={"pandas": "2.2.3", "numpy": ">=2", "scipy": ">=1.15"})
    @step
    def write_middle_numpy_2(self):
        crossing.write(self, "middle_numpy_2")
        self.next(self.all_written)

    @conda(libraries={"pandas": ">=3", "numpy": "1.26.4", "scipy": ">=1.15"})
    @step
    def write_newest_numpy_1(self):
        crossing.write(self, "newest_numpy_1")
        self.next(self.all_written)

    @conda(libraries={"pandas": ">=3", "numpy": ">=2", "scipy": ">=1.15", "pyarrow": ""})
    @step
    def write_newest(self):
        crossing.write(self, "newest")
        self.next(self.all_written)

    @step
    def all_written(self, inputs):
        """Has no library at all, and needs none to pass the values on."""
        self.merge_artifacts(inputs)
        self.next(self.split)

    @step
    def split(self):
        self.next(
            self.read_oldest,
            self.read_old,
            self.read_middle,
            self.read_middle_numpy_2,
            self.read_newest_numpy_1,
            self.read_newest,
        )

    @conda(libraries={"pandas": "1.5.3", "numpy": "1.26.4", "scipy": "1.11.4"})
    @step
    def read_oldest(self):
        self.read_oldest_found = crossing.read(self)
        self.next(self.all_read)

    @conda(libraries={"pandas": "2.0.3", "numpy": "1.26.4", "scipy": "1.11.4"})
    @step
    def read_old(self):
        self.read_old_found = crossing.read(self)
        self.next(self.all_read)

    @conda(libraries={"pandas": "2.2.3", "numpy": "1.26.4", "scipy": ">=1.15"})
    @step
    def read_middle(self):
        self.read_middle_found = crossing.read(self)
        self.next(self.all_read)

    @conda(libraries={"pandas": "2.2.3", "numpy": ">=2", "scipy": ">=1.15"})
    @step
    def read_middle_numpy_2(self):
        self.read_middle_numpy_2_found = crossing.read(self)
        self.next(self.all_read)

    @conda(libraries={"pandas": ">=3", "numpy": "1.26.4", "scipy": ">=1.15"})
    @step
    def read_newest_numpy_1(self):
        self.read_newest_numpy_1_found = crossing.read(self)
        self.next(self.all_read)

    @conda(libraries={"pandas": ">=3", "numpy": ">=2", "scipy": ">=1.15", "pyarrow": ""})
    @step
    def read_newest(self):
        self.read_newest_found = crossing.read(self)
        self.next(self.all_read)

    @step
    def all_read(self, inputs):
        self.found = {name: getattr(getattr(inputs, f"read_{name}"), f"read_{name}_found") for name in crossing.SETS}
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Matrix()

"""pandas' columns of pyarrow's types, written in one container and read in another."""

from dockerflow import FlowSpec, conda, conda_base, step

NEWEST = {"pandas": ">=3", "numpy": ">=2", "scipy": ">=1.15", "pyarrow": ""}


def columns():
    import pandas as pd  # noqa: PLC0415 - the flow is read where there is none
    import pyarrow as pa  # noqa: PLC0415

    made = {
        "numbers": pd.array([1, None, 3], dtype="int64[pyarrow]"),
        "lists": pd.array([[1, 2], None, []], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
        "times": pd.array([pd.Timestamp(5, tz="UTC"), None, None], dtype=pd.ArrowDtype(pa.timestamp("ns", "UTC"))),
        "words": pd.array(["a", None, "a"], dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))),
        "texts": pd.array([None, "a", "b"], dtype=pd.ArrowDtype(pa.string())),
    }
    frame = pd.DataFrame(made)
    return {
        "frame": frame,
        "cut": frame.iloc[1:],
        "index": pd.Index(made["numbers"], name="n"),
        "type": frame["lists"].dtype,
        "array": made["words"],
        "empty": frame.iloc[:0],
        "in pieces": pd.concat([frame, frame])["numbers"],
    }


def words(value):
    """Of what class it is, of which types, and what is in it."""
    types = [str(each) for each in value.dtypes] if hasattr(value, "columns") else str(getattr(value, "dtype", ""))
    return [type(value).__name__, types, repr(value)]


@conda_base(python="3.11")
class Arrow(FlowSpec):
    @conda(libraries=NEWEST)
    @step
    def start(self):
        from crossing import internals  # noqa: PLC0415

        self.values = columns()
        self.wanted = {name: words(value) for name, value in self.values.items()}
        self.named = {
            name: [each for each in internals(value) if "pyarrow" not in each] for name, value in self.values.items()
        }
        self.next(self.end)

    @conda(libraries=NEWEST)
    @step
    def end(self):
        self.found = {name: words(value) for name, value in self.values.items()}


if __name__ == "__main__":
    Arrow()

"""The same model trained by two versions of scikit-learn, side by side in one run.

    dockerflow run examples/two_models/flow.py

Whoever has to say whether an upgrade changes results runs both versions on the same split and compares.
"""

from dockerflow import FlowSpec, Parameter, conda, conda_base, step


@conda_base(python="3.11")
class TwoModels(FlowSpec):
    """Recognise handwritten digits with an old and a new scikit-learn and compare what they say."""

    test_size = Parameter("test_size", help="Share of the images that is kept for the test.", default=0.25)

    @step
    def start(self):
        """Both versions get the same seed."""
        self.seed = 7
        self.next(self.train_old, self.train_new)

    @conda(libraries={"scikit-learn": "1.3.2"})
    @step
    def train_old(self):
        """scikit-learn 1.3.2."""
        self.result = train(self.seed, self.test_size)
        self.next(self.compare)

    @conda(libraries={"scikit-learn": "1.5.2"})
    @step
    def train_new(self):
        """scikit-learn 1.5.2."""
        self.result = train(self.seed, self.test_size)
        self.next(self.compare)

    @step
    def compare(self, inputs):
        """Where do they disagree? Only plain numbers crossed, so no library is needed."""
        old, new = inputs.train_old.result, inputs.train_new.result
        self.versions = [old["version"], new["version"]]
        self.accuracies = [old["accuracy"], new["accuracy"]]
        self.disagreements = [
            index for index, pair in enumerate(zip(old["predictions"], new["predictions"])) if pair[0] != pair[1]
        ]
        self.next(self.end)

    @step
    def end(self):
        """Say it."""
        for version, accuracy in zip(self.versions, self.accuracies):
            print(f"scikit-learn {version}: {accuracy:.4f} of the test images recognised")
        print(f"the two disagree on {len(self.disagreements)} images")


def train(seed, test_size):
    """Train on scikit-learn's own table of 1,797 images of 8 x 8 pixels; returns plain values only."""
    import sklearn
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split

    images, digits = load_digits(return_X_y=True)
    known, unknown, known_digits, unknown_digits = train_test_split(
        images, digits, test_size=test_size, random_state=seed
    )
    model = LogisticRegression(max_iter=2000).fit(known, known_digits)
    print(f"trained with scikit-learn {sklearn.__version__}")
    return {
        "version": sklearn.__version__,
        "accuracy": float(model.score(unknown, unknown_digits)),
        "predictions": [int(digit) for digit in model.predict(unknown)],
    }


if __name__ == "__main__":
    TwoModels()

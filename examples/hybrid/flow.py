"""Some steps here, some on another machine: data is loaded here, models are trained there, and judged here again.

    dockerflow hosts add remote ssh://me@big-machine
    dockerflow run examples/hybrid/flow.py

The machine needs Docker and nothing else, and the store is a bucket that it can reach. Each model is a task of its own:
with `@remote(host="remote,other")` they are spread over two machines.

The other machine trains with an older scikit-learn than the one that judges: what comes back are plain arrays, which
every version reads.
"""

from dockerflow import FlowSpec, Parameter, conda, conda_base, local, remote, step


@conda_base(python="3.11")
class Hybrid(FlowSpec):
    """Recognise handwritten digits: load them here, train on another machine, see here which model is the best."""

    test_size = Parameter("test_size", help="Share of the images that is kept for the test.", default=0.25)

    @local
    @conda(libraries={"scikit-learn": "1.5.2"})
    @step
    def start(self):
        """Load scikit-learn's own table of 1,797 images of 8 x 8 pixels, and split it."""
        import sklearn
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        self.loaded_with = sklearn.__version__
        images, digits = load_digits(return_X_y=True)
        self.known, self.unknown, self.known_digits, self.unknown_digits = train_test_split(
            images / 16, digits, test_size=self.test_size, random_state=7
        )
        self.strengths = [0.01, 0.1, 1.0]
        print(f"scikit-learn {self.loaded_with}: {len(self.known)} images to train with, {len(self.unknown)} to test")
        self.next(self.train, foreach="strengths")

    @remote(cpu=1, memory=1000)
    @conda(libraries={"scikit-learn": "1.3.2"})
    @step
    def train(self):
        """Train one model over there. It comes back as numbers: the weights of the pixels for each digit."""
        import sklearn
        from sklearn.linear_model import LogisticRegression

        self.strength = self.input
        self.trained_with = sklearn.__version__
        model = LogisticRegression(C=self.strength, max_iter=2000).fit(self.known, self.known_digits)
        self.weights, self.offsets = model.coef_, model.intercept_
        print(f"scikit-learn {self.trained_with}: trained with C={self.strength}")
        self.next(self.evaluate)

    @local
    @conda(libraries={"scikit-learn": "1.5.2"})
    @step
    def evaluate(self, inputs):
        """Let each model read the images that it has not seen, and keep the best."""
        import sklearn
        from sklearn.metrics import accuracy_score

        self.evaluated_with = sklearn.__version__
        self.trained_with = inputs[0].trained_with
        self.accuracies = {}
        for task in inputs:
            read = (task.unknown @ task.weights.T + task.offsets).argmax(axis=1)
            self.accuracies[task.strength] = float(accuracy_score(task.unknown_digits, read))
        self.best = max(self.accuracies, key=self.accuracies.get)
        self.next(self.end)

    @step
    def end(self):
        """Say it."""
        for strength, accuracy in sorted(self.accuracies.items()):
            mark = "  <- the best" if strength == self.best else ""
            print(f"C={strength:<6} {accuracy:.4f} of the test images recognised{mark}")


if __name__ == "__main__":
    Hybrid()

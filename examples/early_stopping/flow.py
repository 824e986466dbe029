"""Train in rounds until another round no longer helps, with what Metaflow's newer language has for that.

    dockerflow run examples/early_stopping/flow.py
    dockerflow run examples/early_stopping/flow.py --config settings mine.json

The file imports from `metaflow`: it is one that was written for Metaflow, and runs on both.
"""

import os

from metaflow import Config, FlowSpec, Parameter, conda_base, config_expr, resources, retry, step, timeout

SETTINGS = os.path.join(os.path.dirname(__file__), "settings.json")


@conda_base(python="3.11", libraries={"scikit-learn": "1.5.2"})
class EarlyStopping(FlowSpec):
    """Recognise handwritten digits; stop when the accuracy has not risen for some rounds."""

    settings = Config("settings", default=SETTINGS, help="Learning rate, patience and memory.")
    most_rounds = Parameter("most_rounds", help="Stop after so many rounds at the latest.", default=30)

    @step
    def start(self):
        """Nothing is known yet."""
        self.weights, self.accuracies = None, []
        self.next(self.train)

    @retry(times=1, minutes_between_retries=0)
    @timeout(minutes=5)
    @resources(memory=config_expr("settings.memory"))
    @step
    def train(self):
        """One more round over the images, from where the last one ended."""
        self.weights, accuracy = train_round(self.weights, self.settings.rate)
        self.accuracies = [*self.accuracies, accuracy]
        best = self.accuracies.index(max(self.accuracies))
        waited = len(self.accuracies) - 1 - best
        over = waited >= self.settings.patience or len(self.accuracies) >= self.most_rounds
        self.verdict = "enough" if over else "go on"
        self.next({"go on": self.train, "enough": self.report}, condition="verdict")

    @step
    def report(self):
        """The best round."""
        self.best_accuracy = max(self.accuracies)
        self.best_round = self.accuracies.index(self.best_accuracy) + 1
        self.next(self.end)

    @step
    def end(self):
        """Say it."""
        print(f"round {self.best_round} of {len(self.accuracies)} recognised {self.best_accuracy:.2%}")


def train_round(weights, rate):
    """One round of softmax regression by gradient descent; returns the weights and the accuracy on the test images."""
    import numpy
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, digits = load_digits(return_X_y=True)
    known, unknown, known_digits, unknown_digits = train_test_split(images / 16, digits, random_state=7)
    if weights is None:
        weights = numpy.zeros((known.shape[1], 10))
    for _ in range(20):
        scores = numpy.exp(known @ weights)
        chances = scores / scores.sum(axis=1, keepdims=True)
        weights = weights + rate * known.T @ (numpy.eye(10)[known_digits] - chances) / len(known)
    return weights, float((numpy.argmax(unknown @ weights, axis=1) == unknown_digits).mean())


if __name__ == "__main__":
    EarlyStopping()

"""Quartiles of what films earned, genre by genre, with two versions of pandas in one flow.

dockerflow run examples/genre_stats/flow.py
dockerflow run examples/genre_stats/flow.py --movie_data movies.csv --max_genres 7
"""

import os

from dockerflow import FlowSpec, IncludeFile, Parameter, catch, conda, conda_base, retry, step


def beside_this_file(name):
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), name)


@conda_base(python="3.11")
class GenreStats(FlowSpec):
    """Split a table of films by genre, compute the quartiles of each genre's gross, and put them side by side."""

    movie_data = IncludeFile(
        "movie_data",
        help="CSV file with the columns movie_title, title_year, genres (separated by |) and gross.",
        default=beside_this_file("movies.csv"),
    )
    max_genres = Parameter("max_genres", help="How many genres to look at, the most frequent first.", default=5)

    @conda(libraries={"pandas": "1.5.3"})
    @step
    def start(self):
        """Read the table with pandas 1.5.3 and find the most frequent genres."""
        from io import StringIO

        import pandas

        self.read_with = pandas.__version__
        self.movies = pandas.read_csv(StringIO(self.movie_data))
        frequency = self.movies["genres"].str.split("|").explode().value_counts()
        self.genres = list(frequency.index[: self.max_genres])
        print(f"pandas {self.read_with}: {len(self.movies)} films, {len(frequency)} genres")
        self.next(self.compute_statistics, foreach="genres")

    @catch(var="failed")
    @retry(times=1, minutes_between_retries=0)
    @conda(libraries={"pandas": "2.2.3"})
    @step
    def compute_statistics(self):
        """One genre: its films and the quartiles of their gross, with pandas 2.2.3."""
        import pandas

        self.genre = self.input
        self.computed_with = pandas.__version__
        of_genre = self.movies["genres"].str.split("|").map(lambda genres: self.genre in genres)
        self.films = self.movies[of_genre].sort_values("gross")[["movie_title", "genres", "gross"]]
        self.quartiles = [float(value) for value in self.films["gross"].quantile([0.25, 0.5, 0.75])]
        print(f"pandas {self.computed_with}: {self.genre}, {len(self.films)} films")
        self.next(self.join)

    @conda(libraries={"pandas": "2.2.3"})
    @step
    def join(self, inputs):
        """Put the genres side by side; one that failed is named and left out."""
        self.failed_genres = [task.genre for task in inputs if task.failed]
        self.genre_stats = {task.genre: task.quartiles for task in inputs if not task.failed}
        self.films = {task.genre: task.films for task in inputs if not task.failed}
        self.next(self.end)

    @step
    def end(self):
        """Print the table. This step has no library at all: it reads plain numbers, and the films stay unread."""
        print(f"{'genre':<12} {'25%':>14} {'median':>14} {'75%':>14}")
        for genre in sorted(self.genre_stats):
            low, median, high = self.genre_stats[genre]
            print(f"{genre:<12} {low:>14,.0f} {median:>14,.0f} {high:>14,.0f}")


if __name__ == "__main__":
    GenreStats()

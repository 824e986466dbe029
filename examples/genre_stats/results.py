"""Read what the flow beside this file has computed: run it where `.dockerflow/` is, or below."""

from dockerflow import Flow

run = Flow("GenreStats").latest_successful_run
versions = {run["start"].task.data.read_with, *(task.data.computed_with for task in run["compute_statistics"])}
print(f"{run.pathspec}: one run, pandas {' and '.join(sorted(versions))}")
for genre, (low, median, high) in sorted(run.data.genre_stats.items()):
    print(f"  {genre}: half of the films earned between {low:,.0f} and {high:,.0f}, the median {median:,.0f}")

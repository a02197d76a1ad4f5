"""Runs the load against a server of its own, and keeps a summary and a plot of it."""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "load"
STOP_SECONDS = 30
COLUMNS = {
    "Request Count": "requests",
    "Failure Count": "failures",
    "Requests/s": "a second",
    "50%": "p50 ms",
    "95%": "p95 ms",
    "99%": "p99 ms",
    "Max Response Time": "max ms",
}
NO_RATE_LIMITS = dict.fromkeys(
    (
        "RATE_LIMIT_REQUESTS",
        "RATE_LIMIT_COST",
        "RATE_LIMIT_CREDENTIALS",
        "RATE_LIMIT_CREDENTIALS_PER_ADDRESS",
    ),
    "0",
)


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The address of a server on a free port, with an empty embedded database."""
    # What is measured are todos: 50 people who sign up at once would keep a core busy for long.
    settings = {
        "BCRYPT_ROUNDS": "8",
        "DATA_DIR": str(folder / "data"),
        "LOG_LEVEL": "WARNING",
        "PORT": "0",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "todo_gql", "serve"],
        env=os.environ | NO_RATE_LIMITS | settings,
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            address = next(line.split()[1] for line in process.stdout if "GraphiQL" in line)
            yield address.removesuffix("/graphql")
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def summary(stats: list[dict[str, str]], users: int, seconds: int) -> str:
    """The statistics as a page."""
    setting = (
        f"`make load`: {users} users, {seconds} s after all have come, on {os.cpu_count()} cores, which the load,"
        " the server and its PostgreSQL share; rate limits set aside, BCRYPT_ROUNDS=8."
    )
    lines = [
        "# Load",
        "",
        setting,
        "",
        f"| operation | {' | '.join(COLUMNS.values())} |",
        f"|---|{'---:|' * len(COLUMNS)}",
    ]
    for row in stats:
        values = (f"{float(row[column]):.4g}" for column in COLUMNS)
        lines.append(f"| {row['Name']} | {' | '.join(values)} |")
    return "\n".join(lines) + "\n"


def plot(history: list[dict[str, str]], path: Path) -> None:
    """Draw requests a second, and response times, over the time of the run."""
    total = [row for row in history if row["Name"] == "Aggregated" and row["99%"] != "N/A"]
    begin = int(total[0]["Timestamp"])
    seconds = [int(row["Timestamp"]) - begin for row in total]
    figure, (rate, times) = plt.subplots(2, sharex=True, figsize=(9, 6), layout="constrained")
    rate.plot(seconds, [float(row["Requests/s"]) for row in total], label="requests a second")
    rate.plot(seconds, [float(row["Failures/s"]) for row in total], label="failures a second")
    rate.plot(seconds, [int(row["User Count"]) for row in total], ":", label="users")
    for column in ("50%", "95%", "99%"):
        times.plot(seconds, [float(row[column]) for row in total], label=f"{column} ms")
    times.set_xlabel("seconds")
    for axes in (rate, times):
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper left")
    figure.savefig(path, dpi=100)


def main() -> None:
    """Run the load, keep what it measured, and fail if a request did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--spawn-rate", type=float, default=5)
    given = parser.parse_args()
    arriving = ceil(given.users / given.spawn_rate)
    with tempfile.TemporaryDirectory(prefix="todo_gql-load-") as name:
        folder = Path(name)
        with server(folder) as address:
            subprocess.run(
                [
                    *(sys.executable, "-m", "locust", "--headless", "--only-summary"),
                    *("--locustfile", str(HERE / "locustfile.py"), "--host", address),
                    *("--users", str(given.users), "--spawn-rate", str(given.spawn_rate)),
                    *("--run-time", f"{arriving + given.seconds}s", "--stop-timeout", "10"),
                    *("--csv", str(folder / "load"), "--exit-code-on-error", "0"),
                ],
                check=True,
            )
        stats = rows(folder / "load_stats.csv")
        RESULTS.mkdir(parents=True, exist_ok=True)
        text = summary(stats, given.users, given.seconds)
        (RESULTS / "summary.md").write_text(text)
        plot(rows(folder / "load_stats_history.csv"), RESULTS / "plot.png")
    print(text)
    failures = int(stats[-1]["Failure Count"])
    if failures:
        sys.exit(f"{failures} requests failed.")


if __name__ == "__main__":
    main()

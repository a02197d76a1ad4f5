"""The report: a table in Markdown, a plot, and all figures with machine and versions."""

import os
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib as mpl
import orjson
from matplotlib import pyplot as plt

from bench.comparison import CONNECTIONS, Results, ratio
from bench.operations import BY_NAME, OPERATIONS, Operation
from bench.servers import FLOOR, GRAPHQL_CORE, SERVER

LIBRARIES = (
    "asyncpg",
    "graphql-core",
    "httptools",
    "orjson",
    "strawberry-graphql",
    "uvicorn",
    "uvloop",
)
INTRODUCTION = (
    "Milliseconds of CPU that the server process spends per request; PostgreSQL's aren't counted."
    " Goal: the least that any Node server spent. The servers took turns."
)
HEADINGS = (
    "op",
    "what",
    "goal",
    "floor",
    "todo_gql",
    "of floor",
    "graphql-core",
    "of graphql-core",
    "requests/s",
    "p50 ms",
    "p99 ms",
)
COLOURS = {FLOOR: "#9aa5b1", SERVER: "#2f6fde", GRAPHQL_CORE: "#d98a29"}


def machine(postgres: str) -> dict[str, str]:
    """What it was measured on."""
    return {
        "cpu": _cpu_model(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": postgres.split(" ", 1)[0],
        **{name: version(name) for name in LIBRARIES},
    }


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo")
    if lines.exists():
        for line in lines.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def table(results: Results, found: dict[str, str]) -> str:
    """The results in Markdown."""
    lines = [
        "# What an operation costs",
        "",
        INTRODUCTION,
        "",
        ", ".join(f"{name} {value}" for name, value in found.items()),
    ]
    for number in reversed(CONNECTIONS):
        lines += [
            "",
            f"## {number} connection{'s' if number > 1 else ''}",
            "",
            f"| {' | '.join(HEADINGS)} |",
            "|---" * len(HEADINGS) + "|",
        ]
        for operation in OPERATIONS:
            measured = results.operations[operation.name][number]
            ours, core = measured[SERVER], measured[GRAPHQL_CORE]
            lines.append(
                f"| {operation.name} | {operation.title} | {operation.goal}"
                f" | {measured[FLOOR].cpu_ms:.3f} | **{ours.cpu_ms:.3f}**"
                f" | {ratio(results, operation, number):.2f} | {core.cpu_ms:.3f}"
                f" | 1/{core.cpu_ms / ours.cpu_ms:.1f} | {ours.per_second:,.0f}"
                f" | {ours.p50_ms:.2f} | {ours.p99_ms:.2f} |"
            )
    lines += [
        "",
        "## An owner of 200 todos and one of 100,000, one connection",
        "",
        "| op | what | todos | CPU ms | p50 ms | p99 ms |",
        "|---|---|---|---|---|---|",
    ]
    for name, sizes in results.sizes.items():
        for size, each in sizes.items():
            lines.append(
                f"| {name} | {BY_NAME[name].title} | {size:,} | {each.cpu_ms:.3f}"
                f" | {each.p50_ms:.2f} | {each.p99_ms:.2f} |"
            )
    return "\n".join(lines) + "\n"


def plot(results: Results, path: Path) -> None:
    """CPU per request at the most connections, a group of bars for each operation."""
    mpl.use("Agg")
    figure, axes = plt.subplots(figsize=(10, 4.5), layout="constrained")
    number = max(CONNECTIONS)
    width = 0.27
    for place, (name, colour) in enumerate(COLOURS.items()):
        heights = [results.operations[each.name][number][name].cpu_ms for each in OPERATIONS]
        places = [index + (place - 1) * width for index in range(len(OPERATIONS))]
        bars = axes.bar(places, heights, width, label=name, color=colour)
        axes.bar_label(bars, fmt="%.3g", fontsize=7, padding=2)
    for index, operation in enumerate(OPERATIONS):
        label = "" if index else "goal"
        axes.hlines(operation.goal, index - 0.45, index + 0.45, "#c0392b", "dashed", label=label)
    axes.set_yscale("log")
    axes.set_ylabel("CPU per request, ms")
    axes.set_title(f"CPU of the server process per request, {number} connections")
    axes.set_xticks(range(len(OPERATIONS)), list(map(_label, OPERATIONS)))
    axes.tick_params(axis="x", labelsize=7)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _label(operation: Operation) -> str:
    return f"{operation.name}\n{fill(operation.title.replace('`', ''), 22)}"


def figures(results: Results, found: dict[str, str]) -> bytes:
    """Everything, as JSON."""
    content: dict[str, Any] = {"machine": found, **asdict(results)}
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(content, option=options)


def write(results: Results, found: dict[str, str], stem: Path) -> None:
    """Keep the table, the plot and the figures beside each other."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".md").write_text(table(results, found), encoding="utf-8")
    stem.with_suffix(".json").write_bytes(figures(results, found))
    plot(results, stem.with_suffix(".png"))

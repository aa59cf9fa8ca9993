#!/usr/bin/env python3
"""Do the figures of `ragged benchmark` agree with a timer outside? Both look in turn, several times, so that a busy moment is
both's; printed is how far the medians are apart. usage: outside_timer.py [ROUNDS] [RUNS] [BENCHMARK...]; RAGGED_BUILD chooses the build."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))

from driver import DOCUMENTS, Ragged, build_folder  # noqa: E402
from test_profiling import QUESTION as FIRST_QUESTION  # noqa: E402

QUESTION = "how much water do tomatoes get?"
SIZE = 100


def figure(ragged, name, *words):
    answer = json.loads(ragged.run("benchmark", *words, "--json", timeout=3600).stdout)
    return {row["name"]: row for row in answer["results"]}[name]["median"]


def outside_ms(ragged, what, runs, command, text=""):
    """By a small program, which begins them one after the other as the benchmark does: what Python takes to begin a process is a
    part of what a search takes, and what else it does makes the processor forget the weights."""
    with tempfile.TemporaryFile("w+") as lines:
        lines.write(text)
        lines.flush()
        done = subprocess.run([build_folder() / "test" / "tools" / "process_bench", "repeat", str(runs), *command],
                              env=ragged.environment, stdin=lines, stdout=subprocess.PIPE, check=True, text=True)
    return [json.loads(line)[what] for line in done.stdout.splitlines()]


def batch_ms(ragged, runs):
    """What `runs` runs take, from without: a command of so many, less one of none but the start."""
    started = time.monotonic()
    ragged.run("benchmark", "batch-embed", "--size", str(SIZE), "--runs", str(runs), "--warmup", "0", timeout=3600)
    return 1e3 * (time.monotonic() - started)


def batch_inside_ms(ragged, runs):
    answer = json.loads(ragged.run("benchmark", "batch-embed", "--size", str(SIZE), "--runs", str(runs), "--warmup", "0",
                                   "--json", timeout=3600).stdout)
    rows = {row["name"]: row for row in answer["results"]}
    return sum(1e3 * SIZE / rows[name]["median"]
               for name in ("equal_one_thread", "equal_all_threads", "mixed_one_thread", "mixed_all_threads"))


def tell(what, inside, outside):
    a, b = statistics.median(inside), statistics.median(outside)
    print("%-42s inside %9.2f ms, outside %9.2f ms: %+.1f %%" % (what, a, b, 100 * (a / b - 1)), flush=True)


def compare_first_vector(ragged, rounds, runs):
    inside, outside = [], []
    for _ in range(rounds):
        inside.append(figure(ragged, "process", "embedding-init", "--runs", str(runs)))
        outside += outside_ms(ragged, "first_ms", runs, ragged.command("embed", "--query"), FIRST_QUESTION.decode())
    tell("embedding-init: process", inside, outside)


def compare_search(ragged, rounds, runs):
    questions = Path(ragged.environment["XDG_CACHE_HOME"]).parent / "questions.txt"
    questions.write_text(QUESTION + "\n")
    for mode in ("lexical", "hybrid"):
        inside, outside = [], []
        for _ in range(rounds):
            inside.append(figure(ragged, mode + "_process", "query", "--queries", questions, "--mode", mode, "--runs", str(runs)))
            outside += outside_ms(ragged, "wall_ms", runs,
                                  ragged.command("search", "--json", "--no-cache", "--mode", mode, QUESTION))
        tell("query: %s_process" % mode, inside, outside)


def compare_batch(ragged, rounds, runs):
    inside, outside = [], []
    for _ in range(rounds):
        inside.append(batch_inside_ms(ragged, runs))
        outside.append((batch_ms(ragged, 1 + runs) - batch_ms(ragged, 1)) / runs)
    tell("batch-embed: one run of %d texts" % SIZE, inside, outside)


COMPARISONS = {"embedding-init": compare_first_vector, "query": compare_search, "batch-embed": compare_batch}


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    with tempfile.TemporaryDirectory(prefix="ragged-timer-") as folder:
        ragged = Ragged(folder)
        ragged.run("add", "-q", DOCUMENTS)
        for name in sys.argv[3:] or COMPARISONS:
            COMPARISONS[name](ragged, rounds, runs)


if __name__ == "__main__":
    main()

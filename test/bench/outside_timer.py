#!/usr/bin/env python3
"""Do the figures of `ragged benchmark` agree with a timer outside? Both look in turn, several times, so that a busy moment is
both's; printed is how far the medians are apart. usage: outside_timer.py [ROUNDS] [RUNS]; RAGGED_BUILD chooses the build."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))

from driver import DOCUMENTS, Ragged, build_folder  # noqa: E402
from test_profiling import first_vector_ms  # noqa: E402

QUESTION = "how much water do tomatoes get?"
SIZE = 100


def figure(ragged, name, *words):
    answer = json.loads(ragged.run("benchmark", *words, "--json", timeout=3600).stdout)
    return {row["name"]: row for row in answer["results"]}[name]["median"]


def search_ms(ragged, mode):
    """By a small program: what Python takes to begin a process is a part of what a search takes."""
    done = subprocess.run([build_folder() / "test" / "tools" / "process_bench", "once",
                           *ragged.command("search", "--json", "--no-cache", "--mode", mode, QUESTION)], env=ragged.environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])["wall_ms"]


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


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    with tempfile.TemporaryDirectory(prefix="ragged-timer-") as folder:
        ragged = Ragged(folder)
        ragged.run("add", "-q", DOCUMENTS)
        questions = Path(folder) / "questions.txt"
        questions.write_text(QUESTION + "\n")
        inside, outside = [], []
        for _ in range(rounds):
            inside.append(figure(ragged, "process", "embedding-init", "--runs", str(runs)))
            outside += [first_vector_ms(ragged) for _ in range(runs)]
        tell("embedding-init: process", inside, outside)
        for mode in ("lexical", "hybrid"):
            inside, outside = [], []
            for _ in range(rounds):
                inside.append(figure(ragged, mode + "_process", "query", "--queries", questions, "--mode", mode,
                                     "--runs", str(runs)))
                outside += [search_ms(ragged, mode) for _ in range(runs)]
            tell("query: %s_process" % mode, inside, outside)
        inside, outside = [], []
        for _ in range(rounds):
            inside.append(batch_inside_ms(ragged, runs))
            outside.append((batch_ms(ragged, 1 + runs) - batch_ms(ragged, 1)) / runs)
        tell("batch-embed: one run of %d texts" % SIZE, inside, outside)


if __name__ == "__main__":
    main()

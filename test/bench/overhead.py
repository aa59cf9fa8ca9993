#!/usr/bin/env python3
"""What governor, breaker, counting and logging cost an ingest and a search together: each command once with them and once
without, in turns; printed is the middle of the pairs' ratios of processor time, and the least of both.

    make && make build/release/test/tools/process_bench
    python3 test/bench/overhead.py --folder /usr/share/doc/sqlite3 --pairs 20

Counters cannot be switched off as such (8 ns each); what is counted of stages and of work without a part can."""
import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OFF = [word for name in ("resource_governance", "advanced_error_recovery", "performance_aware_logging", "observability_dashboard")
       for word in ("--feature", name + "=off")]
QUERIES = ["how is a row deleted", "full text search tokenizer", "what does a checkpoint do", "json path of an array"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="documents")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    return parser.parse_args()


def cpu_seconds(command, environment):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Measured:
    """A command with everything and without."""

    def __init__(self, name, run):
        self.name, self.run, self.times = name, run, ([], [])

    def pair(self, i):
        for is_off in (i % 2, 1 - i % 2):
            self.times[is_off].append(self.run(OFF if is_off else [], "off" if is_off else "info"))

    def say(self):
        ratio = statistics.median(on / off for on, off in zip(*self.times))
        print("%-8s with %7.4f s, without %7.4f s (least); pairs %+.1f %%, least %+.1f %%"
              % (self.name, min(self.times[0]), min(self.times[1]), 100 * (ratio - 1),
                 100 * (min(self.times[0]) / min(self.times[1]) - 1)))


def main():
    arguments = parse_arguments()
    ragged = str(arguments.build / "ragged")
    with tempfile.TemporaryDirectory(prefix="ragged-overhead-") as name:
        def environment(data, level):
            return {**os.environ, "RAGGED_DATA_DIR": str(Path(name) / data), "RAGGED_LOG_LEVEL": level,
                    "XDG_STATE_HOME": str(Path(name) / "state")}

        def add(off, level):
            shutil.rmtree(Path(name) / "new", ignore_errors=True)
            return cpu_seconds([ragged, *off, "add", "--quiet", "--defer-vectors", str(arguments.folder)], environment("new", level))

        def search(mode):
            def run(off, level):
                done = subprocess.run([str(arguments.build / "test/tools/process_bench"), "each", "10", ragged, *off, "search",
                                       "--no-cache", "--mode", mode, "{}"], input="\n".join(QUERIES) + "\n", text=True,
                                      stdout=subprocess.PIPE, env=environment("kept", level), check=True)
                return json.loads(done.stdout.splitlines()[-1])["cpu_mean_ms"] / 1e3
            return run

        subprocess.run([ragged, "add", "--quiet", str(arguments.folder)], env=environment("kept", "info"), check=True)
        figures = [Measured("add", add), Measured("words", search("lexical")), Measured("hybrid", search("hybrid"))]
        for i in range(arguments.pairs):
            for figure in figures:
                figure.pair(i)
        for figure in figures:
            figure.say()


if __name__ == "__main__":
    main()

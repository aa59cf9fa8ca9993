#!/usr/bin/env python3
"""What searches wait for while another process adds documents: `ragged search` as a new process each time, of a quiet
library and of the same one while it grows, in turns.

    make && make build/release/test/tools/{corpus_maker,process_bench}
    python3 test/bench/search_while_adding.py --rows 100000

Each query of a round is run once, so that a p99 is of single runs. What is added is as large as the library, without vectors: nothing
but parsing and writing."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES = 400


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000, help="texts of the library, and of what is added")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mode", default="lexical")
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    return parser.parse_args()


def make_files(arguments, folder, seed):
    """(files, queries)"""
    subprocess.run([arguments.build / "test/tools/corpus_maker", "text", folder, str(arguments.rows),
                    str(arguments.queries), str(seed)], check=True)
    files = folder / "files"
    files.mkdir()
    with open(folder / "corpus.txt", encoding="utf-8") as corpus:
        for i, lines in enumerate(iter(lambda: [line for line, _ in zip(corpus, range(FILE_LINES))], [])):
            (files / ("%05d.txt" % i)).write_text("\n".join(lines), encoding="utf-8")
    return files, (folder / "queries.txt").read_text(encoding="utf-8")


class Library:
    def __init__(self, arguments, data):
        self.ragged, self.bench = arguments.build / "ragged", arguments.build / "test/tools/process_bench"
        self.mode = arguments.mode
        self.environment = {**os.environ, "RAGGED_DATA_DIR": str(data)}

    def start_add(self, files):
        return subprocess.Popen([self.ragged, "add", "--quiet", "--defer-vectors", files], env=self.environment)

    def search(self, queries):
        done = subprocess.run([self.bench, "each", "1", self.ragged, "search", "--no-cache", "--mode", self.mode, "{}"],
                              input=queries, stdout=subprocess.PIPE, text=True, check=True, env=self.environment)
        return json.loads(done.stdout.splitlines()[-1])


def one_round(arguments, folder, base, more, queries):
    data = folder / "data"
    shutil.copytree(base, data)
    library = Library(arguments, data)
    library.search(queries)
    quiet = library.search(queries)
    add = library.start_add(more)
    during = []
    while add.poll() is None:
        during.append(library.search(queries))
    shutil.rmtree(data)
    return quiet, during[:-1] or during  # the last one was partly of a quiet library


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="ragged-bench-") as name:
        folder = Path(name)
        for part in ("a", "b"):
            (folder / part).mkdir()
        files, queries = make_files(arguments, folder / "a", 1)
        more, _ = make_files(arguments, folder / "b", 2)
        if Library(arguments, folder / "base").start_add(files).wait():
            raise SystemExit("the library could not be made")
        rounds = [one_round(arguments, folder, folder / "base", more, queries) for _ in range(arguments.rounds)]
    for what in ("p50_ms", "p99_ms"):
        quiet = statistics.median(one[what] for one, _ in rounds)
        during = statistics.median(one[what] for _, many in rounds for one in many)
        print("%s %s: quiet %.2f, while adding %.2f: %.2f times (%d and %d passes of %d queries)" % (
            arguments.mode, what[:3], quiet, during, during / quiet, len(rounds), sum(len(many) for _, many in rounds),
            len(queries.splitlines())))


if __name__ == "__main__":
    main()

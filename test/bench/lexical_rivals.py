#!/usr/bin/env python3
"""Ranked search by words: block-max BM25 against the Tantivy crate, bm25s and SQLite FTS5, in one run.

    ~/.cache/ragged/bench-venv/bin/pip install -r test/bench/requirements.txt
    make && make build/release/test/tools/{corpus_maker,process_bench,lexical_bench}
    ~/.cache/ragged/bench-venv/bin/python test/bench/lexical_rivals.py --rows 100000 --json FILE

The same queries (unions of 6 to 10 words, and again without their stop words), k = 50, one core, one thread, page
cache warm, engines in turn. A query's time is the least of all its runs in a round, then percentiles over queries;
of the rounds the least. FTS5 is slow and answers few queries only; it is held against ragged over the same ones.
Tantivy is the Rust crate (tantivy/; cargo builds it for this processor), frequencies only, one segment.

Agreement: the share of the ten best that an exhaustive scorer of the same formula also has: bm25s with that k1,
for ragged its own exhaustive scorer too. Lengths of documents are rounded to a byte by Tantivy and ragged, not by
bm25s, and rows of equal score may change places, so a few percent are lost without a fault.
"""
import os
import sqlite3
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from encoder_rivals import CACHE, say
from measuring import Failed, build_once, common_parser, every_nth, facts, finish, least, made_corpus, make_ready, number, \
    run_json, table
from rivals import Missing, imported

HERE = Path(__file__).parent
K, K1_OURS, K1_TANTIVY = 50, 1.5, 1.2
N_COMPARED = 10


def parse_arguments():
    parser = common_parser(__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--slow-queries", type=int, default=16, help="for engines without pruning")
    parser.add_argument("--bm25s-rows", type=int, default=2_000_000, help="its scores must fit in memory")
    parser.add_argument("--fts5-rows", type=int, default=2_000_000, help="a query takes seconds at a million")
    parser.add_argument("--oracle-rows", type=int, default=1_000_000, help="bm25s as the oracle up to here")
    parser.add_argument("--rows-per-flush", type=int, help="of ours, when building")
    return parser.parse_args()


class Collection:
    """One corpus; a form is a file of queries."""

    forms = ("all words", "content words")

    def __init__(self, arguments):
        self.n_rows = arguments.rows
        self.folder = made_corpus(arguments, "text", "text")
        self.corpus = self.folder / "corpus.txt"
        self.queries = {}
        for form, name in zip(self.forms, ("queries", "queries_content")):
            lines = (self.folder / (name + ".txt")).read_text(encoding="ascii").splitlines(keepends=True)
            for form, n in ((form, arguments.queries), (few_of(form), arguments.slow_queries)):
                self.queries[form] = self.folder / ("%s_%d.txt" % (name, n))
                self.queries[form].write_text("".join(every_nth(lines, n)), encoding="ascii")


def few_of(form):
    return form + ", few"


class Engine:
    """A program with the commands of test/tools/lexical_bench."""

    is_kept, options, build_options = True, [], []

    def __init__(self, arguments, name, program, collection, index, is_slow=False, is_asked=True):
        self.arguments, self.name, self.program = arguments, name, program
        self.collection, self.index = collection, index
        self.is_slow, self.is_asked = is_slow, is_asked
        self.forms = [few_of(form) for form in collection.forms] if is_slow else list(collection.forms)

    def build(self):
        self.built = build_once(self.arguments, self.index, [
            *self.program, "build", self.collection.corpus, self.index, *self.build_options], self.is_kept)

    def results_path(self, form):
        return self.collection.folder / ("results-%s-%s.txt" % (self.name, form)).replace(" ", "-")

    def ask(self, form, n_runs):
        return run_json(self.arguments, [
            *self.program, "query", self.index, self.collection.queries[form], "--k", K, "--runs", n_runs,
            "--results", self.results_path(form), *self.options])

    def best_rows(self, form):
        """Of each query the rows of the ten best."""
        return [{hit.split(":")[0] for hit in line.split()[:N_COMPARED]}
                for line in self.results_path(form).read_text(encoding="ascii").splitlines()]


def ours(arguments, collection, is_exhaustive=False):
    tool = arguments.build / "test/tools/lexical_bench"
    if not tool.exists():
        raise Missing("make %s" % tool)
    name = "ragged exhaustive" if is_exhaustive else "ragged"
    engine = Engine(arguments, name, [tool], collection, collection.folder / "index-ragged.seg", is_slow=is_exhaustive)
    if is_exhaustive:
        engine.options = ["--exhaustive"]
        return engine
    engine.is_kept, engine.forms = False, list(collection.queries)
    if arguments.rows_per_flush:
        engine.build_options = ["--rows-per-flush", arguments.rows_per_flush]
    return engine


def tantivy_version():
    lock = (HERE / "tantivy/Cargo.lock").read_text(encoding="ascii")
    return lock.partition('name = "tantivy"\nversion = "')[2].partition('"')[0]


def tantivy(arguments, collection):
    target = CACHE / "ragged/bench-tantivy"
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target), "RUSTFLAGS": "-C target-cpu=native",
                   "PATH": os.environ["PATH"] + os.pathsep + str(Path.home() / ".cargo/bin")}
    try:
        subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=HERE / "tantivy",
                       env=environment, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Missing("cargo: %s" % error) from error
    return Engine(arguments, "tantivy", [target / "release/tantivy_rival"], collection,
                  collection.folder / ("index-tantivy-" + tantivy_version()))


def python_engine(arguments, collection, name, is_slow=False, is_asked=True, index=None, k1=K1_OURS):
    engine = Engine(arguments, name, [sys.executable, HERE / "lexical_worker.py", name.partition(" ")[0]],
                    collection, collection.folder / ("index-" + (index or name)), is_slow, is_asked)
    engine.build_options = ["--k1", k1]
    return engine


def bm25s(arguments, collection, name, *needs):
    for package in ("bm25s", *needs):
        imported(package)
    if collection.n_rows > arguments.bm25s_rows:
        raise Missing("its scores of %d rows do not fit in memory" % collection.n_rows)
    return python_engine(arguments, collection, name, index="bm25s-%s-%s" % (metadata.version("bm25s"), K1_OURS))


def fts5(arguments, collection):
    if collection.n_rows > arguments.fts5_rows:
        raise Missing("not above --fts5-rows")
    return python_engine(arguments, collection, "fts5", is_slow=True, index="fts5-" + sqlite3.sqlite_version)


def oracle(arguments, collection):
    """bm25s with the k1 that is a constant in Tantivy."""
    imported("bm25s")
    if collection.n_rows > min(arguments.oracle_rows, arguments.bm25s_rows):
        raise Missing("not above --oracle-rows")
    index = "bm25s-%s-%s" % (metadata.version("bm25s"), K1_TANTIVY)
    return python_engine(arguments, collection, "bm25s k1 %s" % K1_TANTIVY, is_asked=False, index=index,
                         k1=K1_TANTIVY)


ROWS = {
    "ragged": ours,
    "ragged-exhaustive": lambda *made: ours(*made, is_exhaustive=True),
    "tantivy": tantivy,
    "bm25s": lambda *made: bm25s(*made, "bm25s"),
    "bm25s-numba": lambda *made: bm25s(*made, "bm25s-numba", "numba"),
    "fts5": fts5,
    "oracle": oracle,
}
# Who is judged by whom: the same formula, or the same engine without pruning.
JUDGES = (("ragged", "ragged exhaustive"), ("ragged", "bm25s"), ("tantivy", "bm25s k1 %s" % K1_TANTIVY),
          ("tantivy", "ragged"), ("fts5", "ragged"))


def gather(arguments, collection):
    found, missing, fresh = [], {}, set()
    wanted = arguments.only.split(",") if arguments.only else list(ROWS)
    for name in wanted:
        try:
            engine = ROWS[name](arguments, collection)
            if arguments.rebuild and engine.index not in fresh:
                engine.is_kept = False
            say("building %s" % name)
            engine.build()
            fresh.add(engine.index)
            found.append(engine)
        except (Missing, Failed) as error:
            missing[name] = str(error)
            say("left out: %s (%s)" % (name, error))
    return found, missing


def measure(engines, arguments):
    """{engine: {form: figures}}, engines in turn."""
    rounds = {engine.name: {} for engine in engines if engine.is_asked}
    for i in range(arguments.rounds):
        for engine in engines:
            if not engine.is_asked or engine.is_slow and i > 0:
                continue
            say("asking %s" % engine.name)
            for form in engine.forms:
                n_runs = 1 if engine.is_slow else arguments.runs
                rounds[engine.name].setdefault(form, []).append(engine.ask(form, n_runs))
    for engine in engines:
        if not engine.is_asked:
            for form in engine.forms:
                engine.ask(form, 1)
    return {name: {form: least(of) for form, of in by_form.items()} for name, by_form in rounds.items()}


def agreements(engines):
    """{"a / b": {form: [mean share of the ten best, share of queries with all ten]}}"""
    by_name = {engine.name: engine for engine in engines}
    found = {}
    for name, judge in JUDGES:
        if name not in by_name or judge not in by_name:
            continue
        for form in set(by_name[name].forms) & set(by_name[judge].forms):
            pairs = list(zip(by_name[name].best_rows(form), by_name[judge].best_rows(form)))
            shares = [len(a & b) / max(len(b), 1) for a, b in pairs]
            found.setdefault("%s / %s" % (name, judge), {})[form] = [
                sum(shares) / len(shares), sum(share == 1 for share in shares) / len(shares)]
    return found


def with_ratio(result, name, form, key):
    mine = result["times"].get("ragged", {}).get(form)
    value = result["times"][name][form][key]
    if name == "ragged" or not mine:
        return number(value)
    return "%s (%sx)" % (number(value), number(value / mine[key]))


def show(result, engines):
    rows = []
    for engine in engines:
        if not engine.is_asked:
            continue
        cells = [engine.name]
        for form in Collection.forms:
            form = few_of(form) if engine.is_slow else form
            cells += [with_ratio(result, engine.name, form, key) for key in ("p50_ms", "p99_ms")]
        built = engine.built
        cells += ["%s/s" % number(built["rows"] / built["seconds"]), "%s MB" % number(built["bytes"] / 1e6, 4),
                  "%d MiB" % built["peak_mib"]]
        rows.append(cells)
    head = ["", *("%s %s ms" % (form, key) for form in Collection.forms for key in ("p50", "p99")),
            "build", "index", "build peak"]
    agreed = [[pair, form, "%.4f" % mean, "%.3f" % whole]
              for pair, by_form in result["agreement"].items() for form, (mean, whole) in by_form.items()]
    return "%s\n\n%s" % (table(head, rows), table(
        ["agreement", "queries", "of the ten best", "queries with all ten"], agreed))


def main():
    arguments = parse_arguments()
    make_ready(arguments)
    result = facts(arguments)
    collection = Collection(arguments)
    engines, missing = gather(arguments, collection)
    result["times"] = measure(engines, arguments)
    result.update(missing=missing, agreement=agreements(engines),
                  built={engine.name: engine.built for engine in engines})
    finish(arguments, result, "%d rows, %d queries\n\n%s" % (arguments.rows, arguments.queries,
                                                             show(result, engines)))


if __name__ == "__main__":
    main()

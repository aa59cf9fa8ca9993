#!/usr/bin/env python3
"""Nearest neighbours: the vector scan against hnswlib, usearch, faiss and numpy, in one run.

    ~/.cache/ragged/bench-venv/bin/pip install -r test/bench/requirements.txt
    make && make build/release/test/tools/{corpus_maker,process_bench,vector_bench}
    ~/.cache/ragged/bench-venv/bin/python test/bench/vector_rivals.py --rows 100000 --json FILE

One core, one thread, page cache warm. Each engine answers the same queries at several settings, engines take
turns; a time is the least of all runs of a query, then the median over queries; recall@10 stands beside it, against
exact neighbours that numpy computes in fp32. The ratios compare the fastest settings that reach a recall.

--data weak (the default) and clustered are synthetic; real reads real.f16 and real_queries.f32 (dim 384) in --folder.
Graphs are built with M 16 and efConstruction 200, by one thread.
"""
import os
import shutil
import sys
from importlib import metadata
from pathlib import Path

import numpy as np

from encoder_rivals import say
from measuring import Failed, build_once, common_parser, every_nth, facts, finish, least, made_corpus, make_ready, number, \
    run_json, table
from rivals import Missing, imported

HERE = Path(__file__).parent
K = 10
RECALLS = (0.97, 0.995, 0.999, 0.9995)
RESCORED = (100, 200, 300, 500, 1000, 2000)
EXPANSIONS = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536)
MEMORY_BYTES = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def parse_arguments():
    parser = common_parser(__doc__.splitlines()[0])
    parser.add_argument("--data", choices=("weak", "clustered", "real"), default="weak")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--exact-queries", type=int, default=50, help="for engines that read every row in full")
    parser.add_argument("--graph-rows", type=int, default=2_000_000, help="no graph is built above")
    parser.add_argument("--rescored", default=",".join(map(str, RESCORED)))
    parser.add_argument("--kernel", help="of ours")
    return parser.parse_args()


class Collection:
    def __init__(self, arguments):
        self.dim, row_bytes = arguments.dim, 2 * arguments.dim
        if arguments.data == "real":
            self.folder = arguments.folder / ("real-%d" % arguments.rows)
            self.take_real(arguments.folder, arguments.rows * row_bytes)
        else:
            self.folder = made_corpus(arguments, arguments.data, "vectors", arguments.data, str(self.dim))
        self.base, self.queries = self.folder / "base.f16", self.folder / ("queries_%d.f32" % arguments.queries)
        self.n_rows = self.base.stat().st_size // row_bytes
        queries = np.fromfile(self.folder / "queries.f32", "<f4").reshape(-1, self.dim)
        every_nth(queries, arguments.queries).tofile(self.queries)
        self.truth = self.folder / ("truth_%d.i32" % arguments.queries)
        if not self.truth.exists():
            say("exact neighbours of every query")
            self.write_truth()

    def take_real(self, source, n_bytes):
        """The first rows of what there is, all of them when there are fewer; copied when it has changed. Of rows that
        are the same one stays: which of them an engine finds says nothing of its recall."""
        wanted = ["%s %d %d" % (name, (source / name).stat().st_size, (source / name).stat().st_mtime_ns)
                  for name in ("real.f16", "real_queries.f32") if (source / name).exists()]
        if len(wanted) != 2:
            sys.exit("real.f16 and real_queries.f32 are not both in %s" % source)
        is_made = self.folder / "made"
        if is_made.exists() and is_made.read_text() == "\n".join(wanted):
            return
        self.folder.mkdir(exist_ok=True)
        is_made.unlink(missing_ok=True)
        for old in (*self.folder.glob("*.json"), *self.folder.glob("truth*")):
            old.unlink()
        shutil.copyfile(source / "real_queries.f32", self.folder / "queries.f32")
        rows = np.fromfile(source / "real.f16", np.dtype((np.void, 2 * self.dim)))
        firsts = np.sort(np.unique(rows, return_index=True)[1])
        rows[firsts[: n_bytes // (2 * self.dim)]].tofile(self.folder / "base.f16")
        is_made.write_text("\n".join(wanted))

    def write_truth(self):
        base = np.memmap(self.base, "<f2", "r").reshape(-1, self.dim)
        queries = np.fromfile(self.queries, "<f4").reshape(-1, self.dim)
        scores, rows = np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int32)
        for at in range(0, len(base), 50_000):
            part = queries @ base[at : at + 50_000].astype(np.float32).T
            best = np.argpartition(part, -min(K, part.shape[1]), axis=1)[:, -K:]
            scores = np.hstack([scores, np.take_along_axis(part, best, 1)])
            rows = np.hstack([rows, (best + at).astype(np.int32)])
            order = np.argsort(-scores, axis=1, kind="stable")[:, :K]
            scores, rows = np.take_along_axis(scores, order, 1), np.take_along_axis(rows, order, 1)
        new = self.truth.with_name("truth.new")
        rows.astype("<i4").tofile(new)
        os.replace(new, self.truth)


class Ours:
    """test/tools/vector_bench: one process for each number of rescored rows."""

    name = "ragged"

    def __init__(self, arguments, collection):
        self.tool = arguments.build / "test/tools/vector_bench"
        if not self.tool.exists():
            raise Missing("make %s" % self.tool)
        self.arguments, self.collection, self.runs = arguments, collection, arguments.runs
        self.kernel = ["--kernel", arguments.kernel] if arguments.kernel else []
        self.settings = arguments.rescored.split(",")
        self.index = collection.folder / "index-ragged.seg"
        self.label = "R"

    def build(self):
        of = self.collection
        self.built = build_once(self.arguments, self.index, [
            self.tool, "build", of.base, of.dim, self.index, "--threads", 1], is_kept=False)

    def points(self):
        of = self.collection
        for setting in self.settings:
            found = run_json(self.arguments, [
                self.tool, "query", self.index, of.base, of.dim, of.queries, "--k", K, "--rescored", setting,
                "--runs", self.runs, "--threads", 1, "--truth", of.truth, *self.kernel])
            yield {"setting": int(setting), **found}


class Rival:
    def __init__(self, arguments, collection, name, label, settings, is_exact=False):
        from vector_worker import ENGINES

        package = ENGINES[name].package
        imported({"faiss-cpu": "faiss"}.get(package, package))
        if name in ("hnswlib", "usearch") and collection.n_rows > arguments.graph_rows:
            raise Missing("the graph of %d rows takes hours: --graph-rows" % collection.n_rows)
        if is_exact and collection.n_rows * collection.dim * 4 > MEMORY_BYTES / 3:
            raise Missing("fp32 rows do not fit in memory")
        self.name, self.label, self.settings = name, label, settings
        self.arguments, self.collection = arguments, collection
        self.runs, self.is_kept = (1 if is_exact else arguments.runs), not arguments.rebuild
        self.index = collection.folder / ("index-%s-%s" % (name, metadata.version(package)))
        self.queries = ["--n-queries", arguments.exact_queries] if is_exact else []
        self.worker = [sys.executable, HERE / "vector_worker.py", name]

    def build(self):
        of = self.collection
        self.built = build_once(self.arguments, self.index, [
            *self.worker, "build", of.base, of.dim, self.index], self.is_kept)

    def points(self):
        of = self.collection
        return run_json(self.arguments, [
            *self.worker, "query", self.index, of.base, of.dim, of.queries, "--k", K, "--runs", self.runs, "--truth",
            of.truth, "--settings", ",".join(map(str, self.settings)), *self.queries])["points"]


ROWS = {
    "ragged": Ours,
    "hnswlib": lambda *made: Rival(*made, "hnswlib", "ef", EXPANSIONS),
    "usearch": lambda *made: Rival(*made, "usearch", "ef", EXPANSIONS),
    "faiss-rabitq": lambda *made: Rival(*made, "faiss-rabitq", "R", RESCORED),
    "faiss-rabitq-rotated": lambda *made: Rival(*made, "faiss-rabitq-rotated", "R", RESCORED),
    "faiss-flat": lambda *made: Rival(*made, "faiss-flat", "all", (0,), is_exact=True),
    "numpy": lambda *made: Rival(*made, "numpy", "all", (0,), is_exact=True),
}


def gather(arguments, collection):
    found, missing = [], {}
    wanted = arguments.only.split(",") if arguments.only else list(ROWS)
    for name in wanted:
        try:
            engine = ROWS[name](arguments, collection)
            say("building %s" % name)
            engine.build()
            found.append(engine)
        except (Missing, Failed) as error:
            missing[name] = str(error)
            say("left out: %s (%s)" % (name, error))
    return found, missing


def measure(engines, n_rounds):
    points = {engine.name: {} for engine in engines}
    for _ in range(n_rounds):
        for engine in engines:
            say("asking %s" % engine.name)
            for point in engine.points():
                points[engine.name].setdefault(point["setting"], []).append(point)
    return {name: [least(rounds) for rounds in by_setting.values()] for name, by_setting in points.items()}


def fastest_at(points, recall):
    reaching = [point for point in points if point["recall"] >= recall]
    return min(reaching, key=lambda point: point["p50_ms"], default=None)


def ratios(points):
    """How many times the p50 of ours each rival needs, both at their fastest settings of that recall."""
    found = {}
    for recall in RECALLS:
        ours = fastest_at(points.get("ragged", []), recall)
        for name, of in points.items():
            best = fastest_at(of, recall)
            found.setdefault(name, {})[str(recall)] = {
                "p50_ms": best and best["p50_ms"], "setting": best and best["setting"],
                "times": best["p50_ms"] / ours["p50_ms"] if best and ours else None}
    return found


def show(result, engines):
    rows = []
    for engine in engines:
        built = engine.built
        cells = [engine.name, "%s s" % number(built["seconds"]), "%s MB" % number(built["bytes"] / 1e6)]
        for recall in RECALLS:
            at = result["at_recall"][engine.name][str(recall)]
            cells.append("-" if at["p50_ms"] is None else "%s ms, %s=%s%s" % (
                number(at["p50_ms"]), engine.label, at["setting"],
                "" if at["times"] is None or engine.name == "ragged" else " (%sx)" % number(at["times"])))
        rows.append(cells)
    head = ["", "build", "index", *("recall@10 >= %s" % recall for recall in RECALLS)]
    curves = [[engine.name, "  ".join("%s=%d %s/%s @%.4f" % (
        engine.label, point["setting"], number(point["p50_ms"]), number(point["p99_ms"]), point["recall"])
        for point in result["points"][engine.name])] for engine in engines]
    return "%s\n\n%s" % (table(head, rows), table(["", "p50/p99 ms @ recall"], curves))


def main():
    arguments = parse_arguments()
    make_ready(arguments)
    result = {**facts(arguments), "data": arguments.data, "dim": arguments.dim}
    collection = Collection(arguments)
    result["rows"] = collection.n_rows
    engines, missing = gather(arguments, collection)
    result["points"] = measure(engines, arguments.rounds)
    result.update(missing=missing, at_recall=ratios(result["points"]),
                  built={engine.name: engine.built for engine in engines})
    finish(arguments, result, "%d rows of %d dimensions, %s\n\n%s" % (
        collection.n_rows, arguments.dim, arguments.data, show(result, engines)))


if __name__ == "__main__":
    main()

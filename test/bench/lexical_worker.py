#!/usr/bin/env python3
"""A lexical rival in Python behind the commands of test/tools/lexical_bench.

    lexical_worker.py ENGINE build CORPUS.txt INDEX [--k1 K1]
    lexical_worker.py ENGINE query INDEX QUERIES.txt --k K --runs N [--results FILE]

Prints a JSON object; results are "row:score" of a query on a line. A query's time holds taking its line apart
and is the least of all runs.
"""
import argparse
import json
import sqlite3
import sys
import time
from importlib import metadata
from pathlib import Path

import numpy as np

from measuring import summary


class Bm25s:
    """Scores made when indexing; a query adds columns of a sparse matrix and selects."""

    backend = "numpy"

    @staticmethod
    def version():
        return metadata.version("bm25s")

    @staticmethod
    def build(corpus, path, k1):
        import bm25s
        from bm25s.tokenization import Tokenized

        vocabulary, ids = {}, []
        with open(corpus, encoding="ascii") as lines:
            for line in lines:
                ids.append([vocabulary.setdefault(word, len(vocabulary)) for word in line.split()])
        index = bm25s.BM25(method="lucene", k1=k1, b=0.75)
        index.index(Tokenized(ids=ids, vocab=vocabulary), show_progress=False, create_empty_token=False)
        index.save(path)
        return len(ids)

    def __init__(self, path):
        import bm25s

        self.index = bm25s.BM25.load(path, mmap=False, load_corpus=False)
        self.vocabulary = self.index.vocab_dict

    def search(self, line, k):
        ids = [self.vocabulary[word] for word in line.split() if word in self.vocabulary]
        rows, scores = self.index.retrieve([ids], k=k, show_progress=False, n_threads=0,
                                           backend_selection=self.backend)
        return zip(rows[0], scores[0])


class Bm25sNumba(Bm25s):
    backend = "numba"

    @staticmethod
    def version():
        return "%s, numba %s" % (metadata.version("bm25s"), metadata.version("numba"))

    def __init__(self, path):
        super().__init__(path)
        self.index.activate_numba_scorer()


class Fts5:
    """Contentless with positions, which its bm25() needs; its k1 is 1.2 and its idf may vanish."""

    @staticmethod
    def version():
        return sqlite3.sqlite_version

    @staticmethod
    def build(corpus, path, k1):
        Path(path).unlink(missing_ok=True)
        database = sqlite3.connect(path)
        for setting in ("journal_mode=off", "synchronous=off", "cache_size=-400000"):
            database.execute("pragma " + setting)
        database.execute("create virtual table rows using fts5(words, content='', tokenize='ascii')")
        n_rows = 0
        with open(corpus, encoding="ascii") as lines:
            for line in lines:
                database.execute("insert into rows(rowid, words) values(?, ?)", (n_rows + 1, line))
                n_rows += 1
        database.commit()
        database.execute("insert into rows(rows) values('optimize')")
        database.commit()
        database.close()
        return n_rows

    def __init__(self, path):
        self.database = sqlite3.connect(path)
        self.database.execute("pragma mmap_size=8000000000")
        self.database.execute("pragma cache_size=-500000")

    def search(self, line, k):
        words = " OR ".join('"%s"' % word for word in line.split())
        found = self.database.execute("select rowid, rank from rows where rows match ? order by rank limit ?",
                                      (words, k)).fetchall()
        return [(row - 1, -rank) for row, rank in found]


ENGINES = {"bm25s": Bm25s, "bm25s-numba": Bm25sNumba, "fts5": Fts5}


def index_bytes(path):
    path = Path(path)
    return sum(one.stat().st_size for one in (path.iterdir() if path.is_dir() else [path]))


def build(engine, words):
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus")
    parser.add_argument("index")
    parser.add_argument("--k1", type=float, default=1.5)
    options = parser.parse_args(words)
    started = time.perf_counter()
    n_rows = engine.build(options.corpus, options.index, options.k1)
    return {"rows": n_rows, "seconds": time.perf_counter() - started, "bytes": index_bytes(options.index)}


def query(engine, words):
    parser = argparse.ArgumentParser()
    parser.add_argument("index")
    parser.add_argument("queries", type=Path)
    parser.add_argument("--k", type=int, default=50)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--results", type=Path)
    options = parser.parse_args(words)
    index, lines = engine(options.index), options.queries.read_text(encoding="ascii").splitlines()
    times, found = [np.inf] * len(lines), [None] * len(lines)
    index.search(lines[0], options.k)
    for _ in range(options.runs):
        for i, line in enumerate(lines):
            started = time.perf_counter()
            found[i] = index.search(line, options.k)
            times[i] = min(times[i], (time.perf_counter() - started) * 1e3)
    if options.results:
        options.results.write_text("".join(" ".join("%d:%.5f" % pair for pair in hits) + "\n" for hits in found))
    return summary(times)


def main():
    engine, what, words = ENGINES[sys.argv[1]], sys.argv[2], sys.argv[3:]
    figures = {"build": build, "query": query}[what](engine, words)
    print(json.dumps({**figures, "version": engine.version()}))


if __name__ == "__main__":
    main()

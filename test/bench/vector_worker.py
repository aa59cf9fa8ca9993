#!/usr/bin/env python3
"""One rival of the vector scan: builds an index or asks it, and prints a JSON object.

    vector_worker.py ENGINE build BASE.f16 DIM INDEX
    vector_worker.py ENGINE query INDEX BASE.f16 DIM QUERIES.f32 --k K --runs N --truth FILE --settings A,B,...

Base: fp16 rows; queries: fp32 rows; truth: int32 [n_queries][k]. A query's time is the least of all runs, one
query a call, through the Python binding (5 to 10 us a call).
"""
import argparse
import json
import os
import sys
import time
from importlib import metadata
from pathlib import Path

import numpy as np

from measuring import summary

BATCH_ROWS = 20_000
CONNECTIVITY, EXPANSION_ADD = 16, 200


def rows_of(path, dim):
    return np.memmap(path, "<f2", "r").reshape(-1, dim)


def batches(base):
    for at in range(0, len(base), BATCH_ROWS):
        part = base[at : at + BATCH_ROWS]
        yield np.arange(at, at + len(part)), part


class Hnswlib:
    package = "hnswlib"

    @staticmethod
    def build(base, path):
        import hnswlib

        index = hnswlib.Index(space="ip", dim=base.shape[1])
        index.init_index(max_elements=len(base), M=CONNECTIVITY, ef_construction=EXPANSION_ADD)
        for keys, part in batches(base):
            index.add_items(part.astype(np.float32), keys, num_threads=1)
        index.save_index(path)

    def __init__(self, path, base):
        import hnswlib

        self.index = hnswlib.Index(space="ip", dim=base.shape[1])
        self.index.load_index(path)
        self.index.set_num_threads(1)

    def set(self, value):
        self.index.set_ef(value)

    def search(self, query, k):
        return self.index.knn_query(query, k, num_threads=1)[0][0]


class Usearch:
    package, dtype = "usearch", "f16"

    @classmethod
    def build(cls, base, path):
        from usearch.index import Index

        index = Index(ndim=base.shape[1], metric="ip", dtype=cls.dtype, connectivity=CONNECTIVITY,
                      expansion_add=EXPANSION_ADD)
        for keys, part in batches(base):
            index.add(keys, np.ascontiguousarray(part), threads=1)
        index.save(path)

    def __init__(self, path, base):
        from usearch.index import Index

        self.index = Index.restore(path)

    def set(self, value):
        self.index.expansion_search = value

    def search(self, query, k):
        return self.index.search(query[0].astype(np.float16), k, threads=1).keys


class FaissRabitq:
    """1-bit codes scanned flat by fast-scan, the best R refined from fp16 rows."""

    package = "faiss-cpu"

    @staticmethod
    def turned(codes):
        return codes

    @classmethod
    def build(cls, base, path):
        import faiss

        faiss.omp_set_num_threads(1)
        dim = base.shape[1]
        codes = cls.turned(faiss.IndexRaBitQFastScan(dim, faiss.METRIC_L2))
        rows = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_L2)
        sample = np.random.default_rng(1).choice(len(base), min(len(base), 100_000), replace=False)
        codes.train(base[np.sort(sample)].astype(np.float32))
        rows.train(np.zeros((1, dim), np.float32))
        for _, part in batches(base):
            wide = part.astype(np.float32)
            codes.add(wide)
            rows.add(wide)
        faiss.write_index(codes, path)
        faiss.write_index(rows, path + ".rows")

    def __init__(self, path, base):
        import faiss

        faiss.omp_set_num_threads(1)
        self.codes, self.rows = faiss.read_index(path), faiss.read_index(path + ".rows")
        self.index = faiss.IndexRefine(self.codes, self.rows)

    def set(self, value):
        self.index.k_factor = value / 10

    def search(self, query, k):
        return self.index.search(query, k)[1][0]


class FaissRabitqRotated(FaissRabitq):
    """With the random rotation that the paper asks for; it pays where dimensions differ much."""

    @staticmethod
    def turned(codes):
        import faiss

        rotation = faiss.RandomRotationMatrix(codes.d, codes.d)
        rotation.init(1)
        whole = faiss.IndexPreTransform(rotation, codes)
        rotation.this.disown()
        codes.this.disown()
        whole.own_fields = True
        return whole


class FaissFlat:
    package = "faiss-cpu"

    @staticmethod
    def build(base, path):
        import faiss

        faiss.omp_set_num_threads(1)
        index = faiss.IndexFlatIP(base.shape[1])
        for _, part in batches(base):
            index.add(part.astype(np.float32))
        faiss.write_index(index, path)

    def __init__(self, path, base):
        import faiss

        faiss.omp_set_num_threads(1)
        self.index = faiss.read_index(path)

    def set(self, value):
        pass

    def search(self, query, k):
        return self.index.search(query, k)[1][0]


class Numpy:
    package = "numpy"

    @staticmethod
    def build(base, path):
        np.save(path, base.astype(np.float32))
        os.replace(path + ".npy", path)

    def __init__(self, path, base):
        self.rows = np.load(path)

    def set(self, value):
        pass

    def search(self, query, k):
        scores = self.rows @ query[0]
        best = np.argpartition(scores, -k)[-k:]
        return best[np.argsort(-scores[best])]


ENGINES = {"hnswlib": Hnswlib, "usearch": Usearch, "faiss-rabitq": FaissRabitq,
           "faiss-rabitq-rotated": FaissRabitqRotated, "faiss-flat": FaissFlat, "numpy": Numpy}


def index_bytes(path):
    return sum(one.stat().st_size for one in (Path(path), Path(path + ".rows")) if one.exists())


def build(engine, words):
    base_path, dim, path = words
    base = rows_of(base_path, int(dim))
    started = time.perf_counter()
    engine.build(base, path)
    return {"rows": len(base), "seconds": time.perf_counter() - started, "bytes": index_bytes(path)}


def measure(index, queries, k, n_runs):
    times, found = [np.inf] * len(queries), [None] * len(queries)
    for _ in range(n_runs):
        for i in range(len(queries)):
            query = queries[i : i + 1]
            started = time.perf_counter()
            found[i] = index.search(query, k)
            times[i] = min(times[i], (time.perf_counter() - started) * 1e3)
    return times, found


def recall_of(found, truth):
    return sum(len(set(map(int, rows)) & set(map(int, right))) for rows, right in zip(found, truth)) / truth.size


def query(engine, words):
    parser = argparse.ArgumentParser()
    for name in ("path", "base", "dim", "queries"):
        parser.add_argument(name)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--truth")
    parser.add_argument("--n-queries", type=int, default=None)
    parser.add_argument("--settings", default="0")
    options = parser.parse_args(words)
    dim = int(options.dim)
    index = engine(options.path, rows_of(options.base, dim))
    queries = np.fromfile(options.queries, "<f4").reshape(-1, dim)[: options.n_queries]
    truth = np.fromfile(options.truth, "<i4").reshape(-1, options.k)[: len(queries)]
    index.search(queries[:1], options.k)
    points = []
    for setting in map(int, options.settings.split(",")):
        index.set(setting)
        times, found = measure(index, queries, options.k, options.runs)
        points.append({"setting": setting, "recall": recall_of(found, truth), **summary(times)})
    return {"points": points}


def main():
    engine, what, words = ENGINES[sys.argv[1]], sys.argv[2], sys.argv[3:]
    figures = {"build": build, "query": query}[what](engine, words)
    print(json.dumps({**figures, "version": metadata.version(engine.package)}))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Chroma behind commands that print a JSON object; vectors are given, nothing is embedded.

    chroma_worker.py build CORPUS.txt BASE.f16 DIM STORE
    chroma_worker.py query STORE QUERIES.f32 DIM            in this process
    chroma_worker.py --port P query STORE QUERIES.f32 DIM   of a server on this machine
    chroma_worker.py once  STORE QUERIES.f32 DIM                     one query, then the process is over
"""
import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

BATCH_ROWS, N_RESULTS, COLLECTION = 2000, 10, "bench"


def chroma():
    os.environ["ANONYMIZED_TELEMETRY"] = "False"
    import chromadb

    return chromadb


def folder_bytes(folder):
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def build(options):
    client = chroma().PersistentClient(options.store)
    collection = client.create_collection(COLLECTION, configuration={"hnsw": {"space": "cosine"}})
    base = np.memmap(options.base, "<f2", "r").reshape(-1, options.dim)
    started, n_rows, lines = time.perf_counter(), 0, []

    def add():
        nonlocal n_rows, lines
        if lines:
            part = base[n_rows : n_rows + len(lines)].astype(np.float32)
            collection.add(ids=[str(n_rows + i) for i in range(len(lines))], embeddings=part, documents=lines)
            n_rows, lines = n_rows + len(lines), []

    with open(options.corpus, encoding="ascii") as corpus:
        for line in corpus:
            lines.append(line.rstrip("\n"))
            if len(lines) == BATCH_ROWS:
                add()
        add()
    return {"rows": n_rows, "seconds": time.perf_counter() - started, "bytes": folder_bytes(options.store)}


def collection_of(options):
    if options.port:
        return chroma().HttpClient(host="127.0.0.1", port=options.port).get_collection(COLLECTION)
    return chroma().PersistentClient(options.store).get_collection(COLLECTION)


def query(options):
    from measuring import summary

    collection = collection_of(options)
    queries = np.fromfile(options.queries, "<f4").reshape(-1, options.dim)
    times = [np.inf] * len(queries)
    collection.query(query_embeddings=queries[:1], n_results=N_RESULTS)
    for _ in range(options.runs):
        for i in range(len(queries)):
            started = time.perf_counter()
            found = collection.query(query_embeddings=queries[i : i + 1], n_results=N_RESULTS)
            times[i] = min(times[i], (time.perf_counter() - started) * 1e3)
            if len(found["documents"][0]) != N_RESULTS:
                sys.exit("%d results instead of %d" % (len(found["documents"][0]), N_RESULTS))
    return summary(times)


def once(options):
    queries = np.fromfile(options.queries, "<f4").reshape(-1, options.dim)
    found = collection_of(options).query(query_embeddings=queries[:1], n_results=N_RESULTS)
    return {"n": len(found["documents"][0])}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--port", type=int)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (("build", ("corpus", "base", "dim", "store")), ("query", ("store", "queries", "dim")),
                        ("once", ("store", "queries", "dim"))):
        command = commands.add_parser(name)
        for word in words:
            command.add_argument(word, type=int if word == "dim" else str)
    options = parser.parse_args()
    figures = {"build": build, "query": query, "once": once}[options.command](options)
    print(json.dumps({**figures, "version": chroma().__version__}))


if __name__ == "__main__":
    main()

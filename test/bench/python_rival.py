#!/usr/bin/env python3
"""What a Python user would write: sentence-transformers and embedded Chroma.

    python_rival.py index FOLDER STORE      python_rival.py query STORE QUESTION

Needs sentence-transformers, chromadb, pypdf and beautifulsoup4, and the model's folder in RAGGED_MODEL.
Reads the same files as `ragged add FOLDER` would (text, Markdown, HTML, PDF) and embeds passages of 900
characters with 100 of overlap, in sorted batches of 32, which is the fastest setting of that library.
"""
import os
import sys
import time

START = time.time()
os.environ.update(HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="", ANONYMIZED_TELEMETRY="False")

import chromadb  # noqa: E402
from sentence_transformers import SentenceTransformer  # noqa: E402

PASSAGE_CHARS, STEP_CHARS = 900, 800


def read_text(path):
    if path.endswith(".pdf"):
        from pypdf import PdfReader

        return "\n".join(page.extract_text() or "" for page in PdfReader(path).pages)
    text = open(path, encoding="utf-8", errors="replace").read()
    if path.endswith((".html", ".htm")):
        from bs4 import BeautifulSoup

        text = BeautifulSoup(text, "html.parser").get_text(" ")
    return " ".join(text.split())


def passages_of(folder):
    for root, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            path = os.path.join(root, name)
            text = read_text(path)
            for start in range(0, max(len(text), 1), STEP_CHARS):
                yield path, start, text[start : start + PASSAGE_CHARS]


def collection_of(store):
    return chromadb.PersistentClient(store).get_or_create_collection(
        "bench", configuration={"hnsw": {"space": "cosine"}}
    )


def index(model, folder, store):
    rows = [row for row in passages_of(folder) if row[2].strip()]
    vectors = model.encode([text for _, _, text in rows], batch_size=32, normalize_embeddings=True)
    collection = collection_of(store)
    for at in range(0, len(rows), 1000):
        part = rows[at : at + 1000]
        collection.upsert(
            ids=[f"{path}:{start}" for path, start, _ in part],
            embeddings=vectors[at : at + 1000].tolist(),
            documents=[text for _, _, text in part],
            metadatas=[{"path": path} for path, _, _ in part],
        )
    print(f"{len(rows)} passages")


def query(model, store, question):
    vector = model.encode([question], normalize_embeddings=True)
    found = collection_of(store).query(query_embeddings=vector.tolist(), n_results=5)
    for meta, text in zip(found["metadatas"][0], found["documents"][0]):
        print(meta["path"], text[:80])


def main():
    model = SentenceTransformer(os.environ["RAGGED_MODEL"], device="cpu")
    if sys.argv[1] == "index":
        index(model, sys.argv[2], sys.argv[3])
    else:
        query(model, sys.argv[2], sys.argv[3])
    print(f"total {time.time() - START:.2f} s")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""A new process of a rival to its first vector; then it prints a line.

    cold_start.py onnxruntime MODEL_FOLDER ONNX_FILE       cold_start.py sentence-transformers FOLDER
"""
import os
import sys

QUESTION = "how do I reset the admin password of the staging server?"


def onnxruntime(model, graph):
    import numpy as np
    import onnxruntime
    from tokenizers import BertWordPieceTokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    ids = np.array([BertWordPieceTokenizer(model + "/vocab.txt").encode(QUESTION).ids])
    return session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]


def sentence_transformers(folder):
    os.environ.update(HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="")
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    return SentenceTransformer(folder, device="cpu").encode(QUESTION, normalize_embeddings=True)


if __name__ == "__main__":
    print(len({"onnxruntime": onnxruntime, "sentence-transformers": sentence_transformers}[sys.argv[1]](
        *sys.argv[2:])), flush=True)

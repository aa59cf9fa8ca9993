"""A cross-encoder with random weights, small enough to be made for a test."""

import array
import json
import random
import struct

DIM, INNER = 32, 64
CONFIG = {"model_type": "bert", "hidden_act": "gelu", "architectures": ["BertForSequenceClassification"],
          "id2label": {"0": "LABEL_0"}, "num_hidden_layers": 1, "hidden_size": DIM, "num_attention_heads": 4,
          "intermediate_size": INNER, "max_position_embeddings": 512, "type_vocab_size": 2,
          "layer_norm_eps": 1e-12}


def shapes(n_words):
    yield "bert.embeddings.word_embeddings.weight", n_words, DIM
    yield "bert.embeddings.position_embeddings.weight", 512, DIM
    yield "bert.embeddings.token_type_embeddings.weight", 2, DIM
    for name, n_rows, n_columns in [
            ("embeddings.LayerNorm", DIM, 0), ("encoder.layer.0.attention.self.query", DIM, DIM),
            ("encoder.layer.0.attention.self.key", DIM, DIM), ("encoder.layer.0.attention.self.value", DIM, DIM),
            ("encoder.layer.0.attention.output.dense", DIM, DIM),
            ("encoder.layer.0.attention.output.LayerNorm", DIM, 0),
            ("encoder.layer.0.intermediate.dense", INNER, DIM), ("encoder.layer.0.output.dense", DIM, INNER),
            ("encoder.layer.0.output.LayerNorm", DIM, 0), ("pooler.dense", DIM, DIM)]:
        yield "bert.%s.weight" % name, n_rows, n_columns
        yield "bert.%s.bias" % name, n_rows, 0
    yield "classifier.weight", 1, DIM
    yield "classifier.bias", 1, 0


def write(folder, vocabulary, seed=1):
    """`vocabulary`: the vocab.txt of a BERT model."""
    words = vocabulary.read_text()
    source = random.Random(seed)
    header, data = {}, array.array("f")
    for name, n_rows, n_columns in shapes(words.count("\n")):
        start = len(data) * data.itemsize
        data.extend(source.uniform(-0.5, 0.5) for _ in range(n_rows * (n_columns or 1)))
        header[name] = {"dtype": "F32", "shape": [n_rows] + [n_columns] * bool(n_columns),
                        "data_offsets": [start, len(data) * data.itemsize]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text(words)
    (folder / "config.json").write_text(json.dumps({**CONFIG, "vocab_size": words.count("\n")}))
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data.tobytes())

"""The same weights for every rival: ONNX graph and its int8 forms, GGUF, a sentence-transformers folder.

Everything is made from the model's own files (model.safetensors, config.json, vocab.txt) and kept in a
folder of the cache; what is there already is used again.
"""
import json
import logging
import os
import shutil
import struct
from pathlib import Path

import numpy as np

OPSET = 17
INT8_FORMS = {  # name: arguments of quantize_dynamic
    "s8": dict(signed=True, per_channel=False, reduce_range=False),
    "s8-reduced-per-channel": dict(signed=True, per_channel=True, reduce_range=True),
    "u8-per-channel": dict(signed=False, per_channel=True, reduce_range=False),
}


def read_config(model):
    return json.loads((model / "config.json").read_text())


def read_vocabulary(model):
    return (model / "vocab.txt").read_text(encoding="utf-8").splitlines()


def read_weights(model):
    """{name: fp32 array}; the file is a length, a JSON header, and the numbers."""
    data = np.memmap(model / "model.safetensors", np.uint8, "r")
    n_header = struct.unpack("<Q", data[:8].tobytes())[0]
    header = json.loads(data[8:8 + n_header].tobytes())
    weights = {}
    for name, entry in header.items():
        if entry.get("dtype") != "F32":
            continue
        begin, end = (8 + n_header + at for at in entry["data_offsets"])
        weights[name.removeprefix("bert.")] = data[begin:end].view(np.float32).reshape(entry["shape"])
    return weights


class Graph:
    """Collects ONNX nodes; every method returns the name of its result."""

    def __init__(self):
        self.nodes, self.constants, self.n = [], {}, 0

    def node(self, kind, *inputs, **attributes):
        import onnx

        self.n += 1
        name = "%s_%d" % (kind.lower(), self.n)
        self.nodes.append(onnx.helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value):
        self.n += 1
        name = "constant_%d" % self.n
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def linear(self, x, weights, name):
        product = self.node("MatMul", x, self.constant(weights[name + ".weight"].T))
        return self.node("Add", product, self.constant(weights[name + ".bias"]))

    def norm(self, x, weights, name, epsilon):
        return self.node("LayerNormalization", x, self.constant(weights[name + ".weight"]),
                         self.constant(weights[name + ".bias"]), axis=-1, epsilon=epsilon)

    def gelu(self, x):
        error = self.node("Erf", self.node("Div", x, self.constant(np.float32(2 ** 0.5))))
        half = self.node("Mul", x, self.node("Add", error, self.constant(np.float32(1))))
        return self.node("Mul", half, self.constant(np.float32(0.5)))


def add_attention(graph, x, mask, weights, prefix, n_heads, head_size):
    shape = graph.constant(np.array([0, 0, n_heads, head_size], np.int64))
    parts = {}
    for part, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])):
        split = graph.node("Reshape", graph.linear(x, weights, prefix + "self." + part), shape)
        parts[part] = graph.node("Transpose", split, perm=order)
    scores = graph.node("MatMul", parts["query"], parts["key"])
    scores = graph.node("Div", scores, graph.constant(np.float32(head_size ** 0.5)))
    shares = graph.node("Softmax", graph.node("Add", scores, mask), axis=-1)
    mixed = graph.node("Transpose", graph.node("MatMul", shares, parts["value"]), perm=[0, 2, 1, 3])
    joined = graph.node("Reshape", mixed,
                        graph.constant(np.array([0, 0, n_heads * head_size], np.int64)))
    return graph.linear(joined, weights, prefix + "output.dense")


def add_layer(graph, x, mask, weights, i, config):
    prefix, epsilon = "encoder.layer.%d." % i, config["layer_norm_eps"]
    n_heads = config["num_attention_heads"]
    attended = add_attention(graph, x, mask, weights, prefix + "attention.", n_heads,
                             config["hidden_size"] // n_heads)
    x = graph.norm(graph.node("Add", attended, x), weights, prefix + "attention.output.LayerNorm", epsilon)
    inner = graph.gelu(graph.linear(x, weights, prefix + "intermediate.dense"))
    outer = graph.linear(inner, weights, prefix + "output.dense")
    return graph.norm(graph.node("Add", outer, x), weights, prefix + "output.LayerNorm", epsilon)


def add_embeddings(graph, weights, config):
    positions = graph.constant(weights["embeddings.position_embeddings.weight"])
    n_tokens = graph.node("Gather", graph.node("Shape", "input_ids"), graph.constant(np.array([1], np.int64)))
    rows = graph.node("Slice", positions, graph.constant(np.array([0], np.int64)), n_tokens)
    words = graph.node("Gather", graph.constant(weights["embeddings.word_embeddings.weight"]), "input_ids")
    kind = graph.constant(weights["embeddings.token_type_embeddings.weight"][0])
    x = graph.node("Add", graph.node("Add", words, kind), rows)
    return graph.norm(x, weights, "embeddings.LayerNorm", config["layer_norm_eps"])


def add_pooling(graph, x, mask_column):
    """Mean over the tokens that count, then norm 1; the last node is the result."""
    total = graph.node("ReduceSum", graph.node("Mul", x, mask_column),
                       graph.constant(np.array([1], np.int64)), keepdims=0)
    count = graph.node("ReduceSum", mask_column, graph.constant(np.array([1], np.int64)), keepdims=0)
    mean = graph.node("Div", total, count)
    graph.node("Div", mean, graph.node("ReduceL2", mean, axes=[1], keepdims=1))


def write_onnx(model, path):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    config, weights, graph = read_config(model), read_weights(model), Graph()
    counted = graph.node("Cast", "attention_mask", to=TensorProto.FLOAT)
    column = graph.node("Unsqueeze", counted, graph.constant(np.array([2], np.int64)))
    blocked = graph.node("Sub", graph.constant(np.float32(1)), counted)
    mask = graph.node("Mul", graph.node("Unsqueeze", blocked, graph.constant(np.array([1, 2], np.int64))),
                      graph.constant(np.float32(-1e9)))
    x = add_embeddings(graph, weights, config)
    for i in range(config["num_hidden_layers"]):
        x = add_layer(graph, x, mask, weights, i, config)
    add_pooling(graph, x, column)
    graph.nodes[-1].output[0] = "embedding"
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
              for name in ("input_ids", "attention_mask")]
    output = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["texts", config["hidden_size"]])
    constants = [numpy_helper.from_array(value, name) for name, value in graph.constants.items()]
    whole = helper.make_model(helper.make_graph(graph.nodes, "encoder", inputs, [output], constants),
                              opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(whole)
    onnx.save(whole, path)


def write_int8(onnx_path, path, signed, per_channel, reduce_range):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().setLevel(logging.ERROR)
    quantize_dynamic(onnx_path, path, weight_type=QuantType.QInt8 if signed else QuantType.QUInt8,
                     per_channel=per_channel, reduce_range=reduce_range, op_types_to_quantize=["MatMul"])


def gguf_token(token):
    """llama.cpp marks the beginning of a word instead of its continuation."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[2:] if token.startswith("##") else "\u2581" + token


def write_gguf(model, path, is_q8):
    import gguf

    config, vocabulary = read_config(model), read_vocabulary(model)
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_token_type_count(config["type_vocab_size"])
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([gguf_token(token) for token in vocabulary])
    special = {name: vocabulary.index(name) for name in ("[CLS]", "[SEP]", "[UNK]", "[PAD]", "[MASK]")}
    writer.add_token_types([gguf.TokenType.CONTROL if i in special.values() else gguf.TokenType.NORMAL
                            for i in range(len(vocabulary))])
    writer.add_bos_token_id(special["[CLS]"])
    writer.add_eos_token_id(special["[SEP]"])
    writer.add_sep_token_id(special["[SEP]"])
    writer.add_unk_token_id(special["[UNK]"])
    writer.add_pad_token_id(special["[PAD]"])
    writer.add_mask_token_id(special["[MASK]"])
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, config["num_hidden_layers"])
    for name, value in read_weights(model).items():
        new = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if not new or name.startswith("pooler"):
            continue
        if is_q8 and value.ndim == 2 and ".layer." in name:
            packed = gguf.quants.quantize(value, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(new, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(new, np.array(value))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_transformers_folder(model, folder):
    """What sentence-transformers wants beside the weights."""
    folder.mkdir()
    for name in ("config.json", "sentence_bert_config.json", "vocab.txt", "1_Pooling/config.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(model / name, folder / name)
    (folder / "model.safetensors").symlink_to(model / "model.safetensors")
    kinds = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    (folder / "modules.json").write_text(json.dumps(
        [dict(idx=i, name=str(i), path=path, type="sentence_transformers.models." + kind)
         for i, (path, kind) in enumerate(kinds)]))
    (folder / "2_Normalize").mkdir()
    (folder / "tokenizer_config.json").write_text(json.dumps(
        dict(tokenizer_class="BertTokenizer", do_lower_case=True, model_max_length=256,
             cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]", pad_token="[PAD]", mask_token="[MASK]")))


def made_once(path, write):
    """Written beside its place, so that an interrupted run leaves nothing half-made."""
    new = path.with_name("new-" + path.name)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        if new.is_dir():
            shutil.rmtree(new)
        write(new)
        os.replace(new, path)
    return path

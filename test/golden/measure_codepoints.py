#!/usr/bin/env python3
"""Measures on the reference tokenizer what it does with each code point; needs `tokenizers`.

Writes the codepoints tables of this folder for every casing (README.md); --check: only compares.
"""

import sys
from pathlib import Path

from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

HERE = Path(__file__).resolve().parent
# file, lower case, accents stripped
CASINGS = [
    ("minilm_codepoints.tsv", True, True),
    ("codepoints_cased.tsv", False, False),
    ("codepoints_lower.tsv", True, False),
    ("codepoints_stripped.tsv", False, True),
]

# Marks of combining classes 224 and 216 that are not dropped with the accents.
HIGH_MARK, LOW_MARK = "\u302e", "\U0001d165"


def is_syllable(codepoint):
    return 0xAC00 <= codepoint <= 0xD7A3


def is_moved(normalizer, char):
    """Is it one of the marks that canonical ordering sorts?"""
    pairs = [(HIGH_MARK, char), (char, LOW_MARK)]
    return any(x != y and normalizer.normalize_str("a" + x + y) == "a" + y + x for x, y in pairs)


def strips(normalizer):
    return normalizer.normalize_str("\u00e9") != "\u00e9"


def measure(normalizer, splitter, codepoint):
    """(action, result) of one code point between "a" and "b", or None when it is kept."""
    char = chr(codepoint)
    text = normalizer.normalize_str("a" + char + "b")
    words = [word for word, _ in splitter.pre_tokenize_str(text)]
    inner = text[1:-1]
    if words == ["a" + char + "b"]:
        return ("mark", "") if is_moved(normalizer, char) else None
    if words == ["ab"]:
        moved = normalizer.normalize_str("a" + HIGH_MARK + char + LOW_MARK)
        is_stop = moved == "a" + HIGH_MARK + LOW_MARK
        return ("drop+stop" if is_stop and strips(normalizer) else "drop"), ""
    if words == ["a", "b"]:
        return "space", ""
    if words == ["a", char, "b"]:
        return ("punct" if inner == char else "cjk"), ""
    if is_syllable(codepoint):
        return "hangul", ""
    action = "map" if len(words) == 1 else "map+split"
    return action, " ".join("%04X" % ord(c) for c in inner)


def table(lower, strip):
    normalizer = BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=strip,
                                lowercase=lower)
    splitter = BertPreTokenizer()
    runs = []
    for codepoint in range(0x110000):
        if 0xD800 <= codepoint <= 0xDFFF:
            continue
        row = measure(normalizer, splitter, codepoint)
        if row is None:
            continue
        if runs and runs[-1][1] == codepoint - 1 and runs[-1][2:] == list(row) and not row[1]:
            runs[-1][1] = codepoint
        else:
            runs.append([codepoint, codepoint, *row])
    return "".join("%04X\t%04X\t%s\t%s\n" % tuple(run) for run in runs)


def main():
    for name, lower, strip in CASINGS:
        text = table(lower, strip)
        path = HERE / name
        if sys.argv[1:] != ["--check"]:
            path.write_text(text, encoding="ascii")
        elif path.read_text(encoding="ascii") != text:
            sys.exit(f"{name} is not what this version of the reference does")


if __name__ == "__main__":
    main()

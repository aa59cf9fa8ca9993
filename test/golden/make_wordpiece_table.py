#!/usr/bin/env python3
"""Writes src/nn/wordpiece_table.c from minilm_codepoints.tsv; --check: only compares."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "minilm_codepoints.tsv"
TARGET = HERE.parent.parent / "src" / "nn" / "wordpiece_table.c"

PAGE_BITS = 7  # WORDPIECE_PAGE_BITS of wordpiece_table.h
N_PAGES = 0x110000 >> PAGE_BITS
ACTIONS = {"drop": 1, "space": 2, "cjk": 3, "punct": 4, "hangul": 5}  # enum wordpiece_action
FIRST_MAP = 6  # WORDPIECE_ACTION_MAP
LAST = 0x80000000  # WORDPIECE_RESULT_LAST

HEADER = """\
/* Written by test/golden/make_wordpiece_table.py from minilm_codepoints.tsv: do not edit. */
#include "nn/wordpiece_table.h"

/* clang-format off */
"""


def read_actions():
    values = [0] * 0x110000
    results, offsets = [], {}
    for line in SOURCE.read_text(encoding="ascii").splitlines():
        first, last, action, *rest = line.split("\t")
        if action in ACTIONS:
            value = ACTIONS[action]
        else:
            key = rest[0]
            if key not in offsets:
                offsets[key] = len(results)
                points = [int(p, 16) for p in key.split()]
                points[-1] |= LAST
                results.extend(points)
            value = FIRST_MAP + offsets[key]
        for codepoint in range(int(first, 16), int(last, 16) + 1):
            values[codepoint] = value
    return values, results


def array(name, ctype, size, numbers, form, per_line):
    rows = [numbers[i:i + per_line] for i in range(0, len(numbers), per_line)]
    body = "\n".join("    " + " ".join(form % n + "," for n in row) for row in rows)
    return f"const {ctype} {name}{size} = {{\n{body}\n}};\n"


def render():
    values, results = read_actions()
    pages, index = {}, []
    for i in range(N_PAGES):
        page = tuple(values[i << PAGE_BITS:(i + 1) << PAGE_BITS])
        index.append(pages.setdefault(page, len(pages)))
    assert len(pages) <= 256 and FIRST_MAP + len(results) <= 0xFFFF
    flat = [value for page in pages for value in page]
    return "\n".join([
        HEADER,
        array("wordpiece_page_index", "uint8_t", "[WORDPIECE_N_PAGES]", index, "%d", 24),
        array("wordpiece_actions", "uint16_t", "[]", flat, "%d", 16),
        array("wordpiece_results", "uint32_t", "[]", results, "0x%X", 8),
    ])


def main():
    text = render()
    if sys.argv[1:] == ["--check"]:
        if TARGET.read_text(encoding="ascii") != text:
            sys.exit(f"{TARGET.name} does not match {SOURCE.name}: run {Path(__file__).name}")
    else:
        TARGET.write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()

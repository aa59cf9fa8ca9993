"""So much of JSON Schema as docs/schema/ needs; a word that is not known here is an error, not passed over."""

import json
import re

from driver import ROOT

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "null": type(None),
         "boolean": bool}
REMARKS = {"$schema", "title", "description"}


def is_of(value, name):
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def check_object(value, schema, where):
    for name in schema.get("required", ()):
        if name not in value:
            yield "%s: no \"%s\"" % (where, name)
    known = schema.get("properties", {})
    for name, item in value.items():
        if name in known:
            yield from complaints(item, known[name], "%s.%s" % (where, name))
        elif schema.get("additionalProperties", True) is False:
            yield "%s: \"%s\" is not in the schema" % (where, name)


def complaints(value, schema, where="$"):
    """What does not fit, as sentences."""
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(is_of(value, name) for name in types):
        yield "%s: %r is no %s" % (where, value, " or ".join(types))
        return
    for word, wanted in schema.items():
        if word in REMARKS or word in ("type", "required", "additionalProperties"):
            continue
        if word == "properties":
            yield from check_object(value, schema, where)
        elif word == "items":
            for i, item in enumerate(value):
                yield from complaints(item, wanted, "%s[%d]" % (where, i))
        elif word == "minItems":
            if len(value) < wanted:
                yield "%s: %d items" % (where, len(value))
        elif word == "minimum":
            if value is not None and value < wanted:
                yield "%s: %r is below %r" % (where, value, wanted)
        elif word == "const" or word == "enum":
            if value not in (wanted if word == "enum" else [wanted]):
                yield "%s: %r is not %r" % (where, value, wanted)
        elif word == "pattern":
            if not re.search(wanted, value):
                yield "%s: %r does not match %s" % (where, value, wanted)
        else:
            raise ValueError("test/cli/schema.py does not know \"%s\"" % word)


def fits(value, name):
    """Fails the test unless `value` fits docs/schema/<name>.json."""
    schema = json.loads((ROOT / "docs" / "schema" / (name + ".json")).read_text())
    wrong = list(complaints(value, schema))
    assert not wrong, "\n".join(wrong)

"""docs/json: what --json of each verb says, as JSON Schema. An undocumented member is a failure."""

import glob
import json
import os
import re

from lab import SOURCE, Skip, check, equal

FOLDER = os.path.join(SOURCE, "docs", "json")
ROWS = "row"  # what the others refer to
SEVERAL = ("list", "conflicts", "hooks", "subscriptions")  # verbs with several outputs


def load():
    found = {}
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.json"))):
        with open(path) as f:
            found[os.path.basename(path)[:-len(".json")]] = json.load(f)
    return found


def library():
    try:
        import jsonschema
    except ImportError:
        raise Skip("python3-jsonschema is not installed") from None
    return jsonschema


def verbs():
    with open(os.path.join(SOURCE, "src", "ipnctl", "verbs.def")) as f:
        return [name.replace("_", "-") for name in re.findall(r"^VERB\((\w+)\)", f.read(), re.M)]


def part_of(command):
    """Which of a verb's several outputs this command asks for: a name below $defs."""
    words = [w for w in command.words if not w.startswith("-")]
    if command.verb == "list":
        return words[2]
    if command.verb == "conflicts":
        return "decided" if words[2:] else "held"
    if command.verb == "subscriptions":
        return "confirmed" if words[2:] else "said"
    if command.verb == "hooks":
        return "retried" if "retry" in words else "run" if "--state" in command.words else "hook"
    return None


def validator(verb, part=None):
    jsonschema, schemas = library(), load()
    store = {name + ".json": schema for name, schema in schemas.items()}
    whole = {"$ref": f"{verb}.json" + (f"#/$defs/{part}" if part else "")}
    return jsonschema.Draft202012Validator(whole, resolver=jsonschema.RefResolver(verb + ".json", schemas[verb], store=store))


def errors(of, value):
    for error in of.iter_errors(value):
        yield f"{'/'.join(map(str, error.path))}: {error.message[:300]}"
        for e in error.context or ():
            yield f"    {'/'.join(map(str, e.path))}: {e.message[:300]}"


def check_value(verb, part, value):
    equal(list(errors(validator(verb, part), value)), [], f"{verb}: not as in docs/json")


def check_told(told):
    """Each (command, values) against the schema of its verb; of every output of every verb there is one."""
    seen, wrong = set(), []
    for command, values in told:
        part = part_of(command)
        of = validator(command.verb, part)
        for value in values:
            seen.add((command.verb, part))
            wrong += [f"{command.text} --json: {error}" for error in errors(of, value)]
    check(not wrong, "\n".join(["not as in docs/json"] + wrong))
    outputs = {(verb, part) for verb, schema in load().items() for part in (schema["$defs"] if verb in SEVERAL else [None])}
    equal(outputs - seen, {(ROWS, None), ("subscriptions", "confirmed")}, "outputs that were not seen, but for one that needs an SNS")


def check_schemas():
    jsonschema, schemas = library(), load()
    equal(sorted(set(schemas) - {ROWS}), sorted(verbs()), "a schema for each verb")
    for name, schema in schemas.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        equal((schema["$id"], bool(schema["title"])), (name + ".json", True), name)
        walk(schema, name, name == ROWS)


def walk(schema, where, is_row):
    """Who reads it finds what a member means, and that there are no others."""
    if isinstance(schema, list):
        for i, one in enumerate(schema):
            walk(one, f"{where}/{i}", False)
        return
    if not isinstance(schema, dict):
        return
    if "properties" in schema:
        check(is_row or schema.get("additionalProperties") is False or schema.get("unevaluatedProperties") is False, f"{where} is open")
        check(set(schema["required"]) <= set(schema["properties"]), f"{where}: required")
        for name, member in schema["properties"].items():
            check(member.get("description"), f"{where}: {name} has no words")
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            for name, one in value.items():
                walk(one, f"{where}/{name}", is_row and key == "$defs")
        elif key in ("items", "anyOf", "oneOf", "additionalProperties"):
            walk(value, f"{where}/{key}", False)

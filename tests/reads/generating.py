"""Makes up queries over the schema, with values drawn from the data, so that most of them find something."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)

from tests.reference import KINDS, PERMISSION, TYPES, Order, Reference, fold, printed, snake

LEFT_OUT = {
    "lastUsedAt",
    "import",
    "imports",
    "importPreview",
    "export",
    "importMappings",
    "upload",
    "uploads",
    "importableFields",
    "apiKeys",
    "outbox",
    "rateLimit",
    "previewInvitation",
    "contacts",
    "contactSources",
    "unmatchedRequesters",
}
"""What moves by itself, or has tests of its own."""
PLACES = {
    "customer": ("email", "firstName", "lastName", "name", "externalId"),
    "organization": ("name", "externalId", "website"),
    "project": ("name", "externalId"),
    "ticket": ("requesterEmail", "externalId"),
}
FLAGS = {"customer": ["unassigned", "archived"], "organization": ["root", "archived"], "project": ["archived"]}
FLAGS["ticket"] = ["unmatched", "archived"]
ENUMERATIONS = {
    "customer": [("status", ["CREATED", "INVITED", "ACTIVE", "ARCHIVED"])],
    "ticket": [("status", ["OPEN", "PENDING", "CLOSED"]), ("priority", ["LOW", "URGENT"])],
    "invitation": [("status", ["PENDING", "ACCEPTED", "EXPIRED", "REVOKED"])],
    "user": [("role", ["OWNER", "AGENT"])],
}
REFERENCES = {
    "customer": [("organization", "organization"), ("inTreeOf", "organization"), ("project", "project")],
    "organization": [("parent", "organization"), ("inTreeOf", "organization"), ("project", "project")],
    "project": [("customer", "customer")],
    "ticket": [("project", "project"), ("requester", "customer")],
    "invitation": [("customer", "customer")],
    "change": [("record", "customer")],
}


@dataclass
class Query:
    text: str
    variables: dict[str, Any]


@dataclass
class Generator:
    """Makes up one query for a viewer of `reference`."""

    reference: Reference
    random: Random
    bold: bool = False
    """Whether it may ask for what will be refused."""
    variables: dict[str, Any] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)
    fragments: list[str] = field(default_factory=list)
    aliases: int = 0

    def chance(self, of: float) -> bool:
        return self.random.random() < of

    def query(self) -> Query:
        root = self.reference.schema.query_type
        assert root
        names = [n for n in root.fields if n not in LEFT_OUT and self.allowed(root.fields[n].type)]
        names += [n for n in names if n.removesuffix("s") in {"customer", "organization", "project", "ticket"}] * 3
        selections = []
        for name in dict.fromkeys(self.random.sample(names, self.random.choice([1, 1, 1, 2]))):
            selections.append(self.field(root, name, 0, alone=False))  # noqa: PERF401
        head = f"query Made({', '.join(self.declared)})" if self.declared else "query Made"
        text = "\n".join([f"{head} {{ {' '.join(selections)} }}", *self.fragments])
        return Query(text, self.variables)

    def allowed(self, kind: Any, name: str = "") -> bool:
        permission = PERMISSION.get(get_named_type(kind).name.removesuffix("Connection"))
        permission = "CUSTOMERS_READ" if name == "customerCount" else permission
        return permission is None or permission in self.reference.asking.permissions or self.bold

    # Selections

    def field(self, parent: GraphQLObjectType, name: str, depth: int, *, alone: bool) -> str:
        """A field of a selection; `alone` says that no other field there has its name."""
        definition = parent.fields[name]
        target = get_named_type(definition.type)
        arguments = self.arguments(parent.name, name, target, definition.args)
        alias = ""
        if (not alone and self.chance(0.25)) or self.chance(0.08):
            alias = self.alias()
        inner = "" if is_leaf_type(target) else f" {{ {self.inside(target, depth)} }}"
        return f"{alias}{name}{arguments}{self.directive()}{inner}"

    def alias(self) -> str:
        if self.aliases >= 12:
            return ""
        self.aliases += 1
        return f"a{self.aliases}: "

    def directive(self) -> str:
        if not self.chance(0.04):
            return ""
        on = self.chance(0.8)
        name = "include" if on else "skip"
        value = "true" if on else "false"
        if self.chance(0.2):
            value = {"true": "false", "false": "true"}[value]
        if self.chance(0.5):
            value = self.variable(value == "true", "Boolean!")
        return f" @{name}(if: {value})"

    def inside(self, target: Any, depth: int) -> str:
        if target.name.endswith("Connection"):
            return self.connection(target, depth)
        if is_abstract_type(target):
            return self.abstract(target, depth)
        return self.object(target, depth)

    def connection(self, target: GraphQLObjectType, depth: int) -> str:
        node = get_named_type(target.fields["nodes"].type)
        parts = []
        if self.chance(0.75):
            parts.append(f"nodes {{ {self.object(node, depth + 1)} }}")
        if self.chance(0.3) or not parts:
            cursor = "cursor " if self.chance(0.7) else ""
            parts.append(f"edges {{ {cursor}node {{ {self.object(node, depth + 1)} }} }}")
        if self.chance(0.4):
            names = ["hasNextPage", "hasPreviousPage", "startCursor", "endCursor"]
            parts.append(f"pageInfo {{ {' '.join(self.random.sample(names, self.random.randint(1, 4)))} }}")
        if self.chance(0.35):
            parts.append("totalCount")
        self.random.shuffle(parts)
        return " ".join(parts)

    def object(self, target: GraphQLObjectType, depth: int) -> str:
        """A selection on an object, some of it in fragments."""
        leaves = [n for n, f in target.fields.items() if is_leaf_type(get_named_type(f.type)) and n not in LEFT_OUT]
        leaves = [n for n in leaves if self.allowed(target.fields[n].type, n)]
        others = [
            n for n, f in target.fields.items() if not is_leaf_type(get_named_type(f.type)) and self.allowed(f.type)
        ]
        parts = [
            self.field(target, name, depth, alone=True)
            for name in self.random.sample(leaves, min(len(leaves), self.random.randint(1, 4)))
        ]
        count = self.random.choice([1, 2, 2] if depth < 2 else [0, 1, 1, 2])
        relations = self.random.sample(others, min(len(others), count)) if depth < 4 else []
        parts += [self.field(target, name, depth + 1, alone=True) for name in relations]
        if self.chance(0.15):
            parts.append("__typename")
        self.random.shuffle(parts)
        return self.wrapped(target, parts)

    def wrapped(self, target: GraphQLObjectType, parts: list[str]) -> str:
        """Moves some parts into fragments, inline or named; repeats one now and then."""
        if self.chance(0.2):
            cut = self.random.randint(0, len(parts))
            inside, parts = parts[cut:], parts[:cut]
            if inside:
                on = f" on {target.name}" if self.chance(0.7) else ""
                parts.append(f"...{on}{self.directive()} {{ {' '.join(inside)} }}")
        if self.chance(0.15) and parts:
            name = f"F{len(self.fragments) + 1}"
            self.fragments.append(f"fragment {name} on {target.name} {{ {' '.join(parts)} }}")
            again = self.chance(0.3) and not re.search(r"\ba\d+:|\.\.\.F", " ".join(parts))
            parts = [f"...{name}"] * (2 if again else 1)
        if self.chance(0.1) and any(i.name == "Node" for i in target.interfaces):
            parts.append("... on Node { id }")
        return " ".join(parts)

    def abstract(self, target: Any, depth: int) -> str:
        parts = ["__typename"]
        if target.name == "Node" and self.chance(0.8):
            parts.append("id")
        kinds = [
            t for t in self.reference.schema.get_possible_types(target) if t.name in TYPES.values() and self.allowed(t)
        ]
        for position, kind in enumerate(self.random.sample(kinds, min(len(kinds), self.random.randint(1, 3)))):
            # one key, one type: fields of several kinds may not differ in type under one name
            selection = self.object(kind, depth + 1) if position == 0 else self.field(kind, "id", depth, alone=True)
            parts.append(f"... on {kind.name} {{ {selection} }}")
        return " ".join(parts)

    # Arguments

    def arguments(self, parent: str, name: str, target: Any, definitions: Any) -> str:
        given: dict[str, Any] = {}
        kind = next((k for k, t in TYPES.items() if t == target.name.removesuffix("Connection")), None)
        if "by" in definitions:
            assert kind
            given["by"] = self.reference_to(kind)
        if "id" in definitions:
            given["id"] = self.id_of("invitation" if name == "invitation" else None)
        if "ids" in definitions:
            given["ids"] = [self.id_of(None) for _ in range(self.random.randint(0, 5))]
        if "includeDescendants" in definitions and self.chance(0.5):
            given["includeDescendants"] = self.chance(0.7)
        if kind and "filter" in definitions and self.chance(0.3):
            given["filter"] = self.filter(kind, 0)
        if kind and "orderBy" in definitions and self.chance(0.4):
            given["orderBy"] = self.order(target, definitions)
        if "search" in definitions and self.chance(0.2):
            given["search"] = self.search()
        self.paging(given, kind, definitions, root=parent == "Query")
        if not given:
            return ""
        shown = ", ".join(f"{n}: {self.value(v, definitions[n].type)}" for n, v in given.items())
        return f"({shown})"

    def paging(self, given: dict[str, Any], kind: str | None, definitions: Any, *, root: bool) -> None:
        if "last" not in definitions:
            if "first" in definitions and self.chance(0.4):
                given["first"] = self.random.randint(1, 4)
            return
        sizes = [1, 2, 3, 5, 10] if root else [1, 2, 3]
        given["last" if self.chance(0.25) else "first"] = self.random.choice(sizes)
        if self.bold and self.chance(0.1):
            given["first"] = self.random.choice([0, -1, 251, 250, None])
        if kind and self.chance(0.13):
            rows = self.reference.data[kind]
            if rows:
                order = Order.of(kind, given.get("orderBy"))
                if self.bold and self.chance(0.2):
                    order = (
                        Order.of(kind, [{"field": "CREATED_AT", "direction": "DESC"}])
                        if "created_at" in rows[0]
                        else order
                    )
                for name in self.random.choice([["after"], ["before"], ["after", "before"]]):
                    given[name] = order.cursor(self.random.choice(rows))

    def order(self, target: Any, definitions: Any) -> list[dict[str, str]]:
        kind = get_named_type(definitions["orderBy"].type)
        names = list(get_named_type(kind.fields["field"].type).values)
        found = []
        for name in self.random.sample(names, self.random.randint(0, min(3, len(names)))):
            found.append(  # noqa: PERF401
                {"field": name} | ({"direction": self.random.choice(["ASC", "DESC"])} if self.chance(0.8) else {})
            )
        assert target
        return found

    def id_of(self, kind: str | None) -> str:
        """An id of a record; now and then one that does not exist."""
        if self.chance(0.05):
            return self.random.choice(["", "cus_no", "org_" + "0" * 26, "xyz", "prj_%"])
        own = self.own(kind)
        if own and self.chance(0.5):
            return self.random.choice(own)
        return str(self.random.choice(self.reference.data[kind or self.random.choice(list(KINDS.values()))])["id"])

    def own(self, kind: str | None) -> Sequence[str]:
        """For a customer, the ids in its sight: it asks for what it knows of."""
        kinds = [kind] if kind else ["customer", "organization", "project", "ticket"]
        if self.reference.me is None:
            return ()
        return [r["id"] for k in kinds for r in self.reference.data[k] if self.reference.sees(k, r)]

    def reference_to(self, kind: str) -> dict[str, Any]:
        row = self.reference.data.row(kind, self.id_of(kind)) or self.random.choice(self.reference.data[kind])
        ways = [("id", row["id"])] * 2
        if kind == "customer":
            ways.append(("email", row["email"]))
        if kind == "ticket":
            ways.append(("number", row["number"]))
        if row.get("external_id"):
            ways.append(("externalId", row["external_id"]))
        name, value = self.random.choice(ways)
        return {name: value}

    def search(self) -> str:
        row = self.random.choice(self.reference.data["customer"])
        words = f"{row['first_name'] or ''} {row['last_name'] or ''} {row['email']} {row['external_id'] or ''}".split()
        typed = " ".join(word[: self.random.randint(1, 9)] for word in self.random.sample(words, min(len(words), 2)))
        return self.random.choice([typed, typed.upper(), "", "lee", "example", "-"])

    def filter(self, kind: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if depth == 0 and "archived" in FLAGS.get(kind, ()) and self.chance(0.15):
            found["archived"] = True
        for _ in range(self.random.choice([0, 1, 1, 2])):
            way = self.random.randrange(8)
            if way == 0 and kind in FLAGS:
                found[self.random.choice(FLAGS[kind])] = self.random.choice([True, False, None])
            elif way == 1 and kind in ENUMERATIONS:
                name, values = self.random.choice(ENUMERATIONS[kind])
                found[name] = self.random.sample(values, self.random.randint(0, len(values)))
            elif way == 2 and kind in REFERENCES:
                name, of = self.random.choice(REFERENCES[kind])
                found[name] = self.id_of(of)
            elif way == 3 and kind in PLACES:
                name = self.random.choice(PLACES[kind])
                found[name] = self.comparison(kind, name)
            elif way == 4 and kind not in {"change", "user"}:
                name = self.random.choice(["createdAt", "expiresAt" if kind == "invitation" else "updatedAt"])
                moment = self.random.choice(self.reference.data[kind])[snake(name)] + self.random.choice([0, 0, 1, -1])
                found[name] = {self.random.choice(["gte", "gt", "lte", "lt"]): printed(moment)}
            elif way == 5 and kind != "change":
                found["ids"] = [self.id_of(kind) for _ in range(self.random.randint(0, 6))]
            elif depth < 2 and kind not in {"change", "user"}:
                name = self.random.choice(["and", "or", "not"])
                inner = [self.filter(kind, depth + 1) for _ in range(self.random.randint(0, 3))]
                found[name] = self.filter(kind, depth + 1) if name == "not" else inner
        return found

    def comparison(self, kind: str, name: str) -> dict[str, Any]:
        row = self.random.choice(self.reference.data[kind])
        column = {"name": "first_name" if kind == "customer" else "name"}.get(name, snake(name))
        text = row[column] or "x"
        begin = self.random.randint(0, max(0, len(text) - 2))
        ways: list[tuple[str, Any]] = [
            ("eq", self.random.choice([text, text.upper(), fold(text)])),
            ("in", [text, "nobody"][: self.random.randint(0, 2)]),
            ("contains", text[begin : begin + 3]),
            ("startsWith", text[: self.random.randint(0, 3)]),
            ("isNull", self.chance(0.5)),
            ("eq", None),
        ]
        return dict(self.random.sample(ways, self.random.choice([0, 1, 1, 1, 2])))

    # Values

    def variable(self, value: Any, kind: str, *, given: bool = True) -> str:
        name = f"v{len(self.declared)}"
        self.declared.append(f"${name}: {kind}")
        if given:
            self.variables[name] = value
        return f"${name}"

    def value(self, value: Any, kind: Any) -> str:
        """A value as a literal, as a variable, or as a literal that holds variables."""
        if self.chance(0.22):
            if value is None and not isinstance(kind, GraphQLNonNull) and self.chance(0.5):
                return self.variable(None, str(kind), given=False)
            return self.variable(value, str(kind))
        return self.literal(value, kind)

    def literal(self, value: Any, kind: Any) -> str:  # noqa: PLR0911
        if value is None:
            return "null"
        if isinstance(kind, GraphQLNonNull):
            kind = kind.of_type
        if isinstance(kind, GraphQLList):
            if not isinstance(value, list):
                return self.literal(value, kind.of_type)
            if len(value) == 1 and self.chance(0.2):
                return self.literal(value[0], kind.of_type)
            return f"[{', '.join(self.value(one, kind.of_type) for one in value)}]"
        if isinstance(kind, GraphQLInputObjectType):
            one_of = kind.is_one_of
            shown = []
            for name, one in value.items():
                inner = kind.fields[name].type
                # a variable for a oneOf field must be of a non-null type
                text = self.value(one, GraphQLNonNull(inner)) if one_of else self.value(one, inner)
                shown.append(f"{name}: {text}")
            return f"{{{', '.join(shown)}}}"
        if isinstance(kind, GraphQLEnumType):
            return str(value)
        return json.dumps(value)

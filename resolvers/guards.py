"""What a document may cost before it is looked at more closely: one memoised measure of depth, fields, aliases and directives.

Each fragment is measured once, so that spreads within spreads cost nothing to count. What is within these bounds is small
enough to be spread out, to count the pairs of fields that validation compares (GraphQL, section 5.3.2).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from db.errors import LimitExceeded

MOST_TOKENS = 2_000
DEEPEST = 24
MOST_FIELDS = 1_000
MOST_ALIASES = 15
MOST_DIRECTIVES = 50
MOST_OPERATIONS = 20
MOST_ROOT_FIELDS = 30
MOST_PAIRS = 10_000


@dataclass(slots=True)
class Measure:
    """Of a selection, fragments spread out: how deep it goes, and how many fields, aliases and directives it holds."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def take(self, other: "Measure", *, deeper: int = 0) -> None:
        self.depth = max(self.depth, other.depth + deeper)
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives


class Measuring:
    """Measures the operations of a document."""

    def __init__(self, document: DocumentNode) -> None:
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._measured: dict[str, Measure | None] = {}

    def selections(self, node: SelectionSetNode) -> Measure:
        total = Measure()
        for one in node.selections:
            total.directives += len(one.directives or ())
            if isinstance(one, FieldNode):
                total.fields += 1
                total.aliases += one.alias is not None
                inner = self.selections(one.selection_set) if one.selection_set else Measure()
                total.take(inner, deeper=1)
            elif isinstance(one, InlineFragmentNode):
                total.take(self.selections(one.selection_set))
            elif isinstance(one, FragmentSpreadNode):
                total.take(self._fragment(one.name.value))
        return total

    def _fragment(self, name: str) -> Measure:
        if name not in self.fragments:
            return Measure()
        if name not in self._measured:
            self._measured[name] = None
            self._measured[name] = self.selections(self.fragments[name].selection_set)
        measured = self._measured[name]
        return Measure() if measured is None else measured


class Merging:
    """Counts the pairs of fields that answer under one key: validation compares each with each, and their selections."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self.pairs = 0
        self.reached: set[str] = set()

    def merge(self, sets: Iterable[SelectionSetNode], within: frozenset[str] = frozenset()) -> None:
        """Counts for selections that become one, and for what is below; `within` are the fragments this lies in."""
        fields: dict[str, list[FieldNode]] = {}
        spread: set[str] = set(within)
        for one in sets:
            self._gather(one, fields, spread)
        self.reached |= spread
        for nodes in fields.values():
            self.pairs += len(nodes) * (len(nodes) - 1) // 2
            _at_most(self.pairs, MOST_PAIRS, "pairs of repeated fields", "Ask for each field once.")
            inner = [node.selection_set for node in nodes if node.selection_set]
            if inner:
                self.merge(inner, frozenset(spread))

    def _gather(self, selections: SelectionSetNode, fields: dict[str, list[FieldNode]], spread: set[str]) -> None:
        for one in selections.selections:
            if isinstance(one, FieldNode):
                fields.setdefault((one.alias or one.name).value, []).append(one)
            elif isinstance(one, InlineFragmentNode):
                self._gather(one.selection_set, fields, spread)
            elif isinstance(one, FragmentSpreadNode) and one.name.value not in spread:
                spread.add(one.name.value)
                if one.name.value in self._fragments:
                    self._gather(self._fragments[one.name.value].selection_set, fields, spread)


def guard(document: DocumentNode) -> None:
    """Refuses a document that is over the limits; validation comes after."""
    measuring = Measuring(document)
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    _at_most(len(operations), MOST_OPERATIONS, "operations", "Send them in documents of their own.")
    directives = sum(len(d.directives or ()) for d in operations)
    merging = Merging(measuring.fragments)
    for operation in operations:
        _at_most(len(operation.selection_set.selections), MOST_ROOT_FIELDS, "root fields", "Send several operations.")
        _check(measuring, merging, operation.selection_set, directives)
    for name, fragment in measuring.fragments.items():
        if name not in merging.reached:  # nothing uses it, but it is validated all the same
            _check(measuring, merging, fragment.selection_set, directives)


def _check(measuring: Measuring, merging: Merging, selections: SelectionSetNode, directives: int) -> None:
    measure = measuring.selections(selections)
    _at_most(measure.depth, DEEPEST, "levels of fields", "Ask for fewer levels at a time.")
    _at_most(measure.aliases, MOST_ALIASES, "aliases", "Use lists and bulk mutations, or several operations.")
    _at_most(measure.fields, MOST_FIELDS, "fields", "Ask for less at a time.")
    _at_most(directives + measure.directives, MOST_DIRECTIVES, "directives", "Leave some out.")
    merging.merge([selections])


def _at_most(number: int, limit: int, what: str, advice: str) -> None:
    if number > limit:
        shown = f"{number:,}" if number < 10**9 else "billions of"
        raise LimitExceeded(f"The document holds {shown} {what}; at most {limit:,} are allowed. {advice}")

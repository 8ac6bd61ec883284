"""What a document may cost before it is looked at more closely: one memoised measure of depth, fields, aliases and directives.

Each fragment is measured once, so that spreads within spreads cost nothing to count.
"""

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
        self._fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
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
        if name not in self._fragments:
            return Measure()
        if name not in self._measured:
            self._measured[name] = None
            self._measured[name] = self.selections(self._fragments[name].selection_set)
        measured = self._measured[name]
        return Measure() if measured is None else measured


def guard(document: DocumentNode) -> None:
    """Refuses a document that is over the limits; validation comes after."""
    measuring = Measuring(document)
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    _at_most(len(operations), MOST_OPERATIONS, "operations", "Send them in documents of their own.")
    directives = sum(len(d.directives or ()) for d in operations)
    for operation in operations:
        measure = measuring.selections(operation.selection_set)
        _at_most(len(operation.selection_set.selections), MOST_ROOT_FIELDS, "root fields", "Send several operations.")
        _at_most(measure.depth, DEEPEST, "levels of fields", "Ask for fewer levels at a time.")
        _at_most(measure.aliases, MOST_ALIASES, "aliases", "Use lists and bulk mutations, or several operations.")
        _at_most(measure.fields, MOST_FIELDS, "fields", "Ask for less at a time.")
        _at_most(directives + measure.directives, MOST_DIRECTIVES, "directives", "Leave some out.")


def _at_most(number: int, limit: int, what: str, advice: str) -> None:
    if number > limit:
        shown = f"{number:,}" if number < 10**9 else "billions of"
        raise LimitExceeded(f"The document holds {shown} {what}; at most {limit:,} are allowed. {advice}")

"""How the generated code differs from ariadne-codegen's own: values and types that come to the schema later are taken."""

import re

from ariadne_codegen.plugins.base import Plugin

_TAKES_NEW_VALUES = '''

class Open(str, Enum):
    """An enumeration that takes values which the schema has come to have since this code was generated."""

    @classmethod
    def _missing_(cls, value: object) -> "Open":
        member = str.__new__(cls, str(value))
        member._name_ = member._value_ = str(value)
        return member


'''


class Tolerant(Plugin):
    """New enumeration values, and new types of errors, are no reason to fail."""

    def generate_enums_code(self, generated_code: str) -> str:
        head, _, rest = generated_code.partition("\n\n\n")
        return head + _TAKES_NEW_VALUES + rest.replace("(str, Enum)", "(Open)")

    def generate_inputs_code(self, generated_code: str) -> str:
        """Type checkers take `alias` for the only name of an argument; what is written here are the Python names."""
        return re.sub(r'(?<![a-z_])alias=("\w+")', r"validation_alias=\1, serialization_alias=\1", generated_code)

    def generate_result_types_code(self, generated_code: str) -> str:
        code = re.sub(r"typename__: Literal\[[^\]]*\"UserError\"[^\]]*\]", "typename__: str", generated_code)
        if "Literal[" in code:
            return code
        return re.sub(r"from typing import (.*?)Literal(?:, )?", r"from typing import \1", code).replace(
            "from typing import \n", ""
        )

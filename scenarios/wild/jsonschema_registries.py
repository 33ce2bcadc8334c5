"""A jsonschema validator for each call, with a registry of schemas of its own: all freed with it.

Mechanism: a validator resolves references in an immutable registry that it extends by its own schema. Nothing
is added to a registry that others share, though each schema has an identifier of its own.

Each step makes a validator for a schema of its own and validates with it.
"""

from leakbench.scenarios.wild import published

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIO = published("wild-jsonschema-registries", title="jsonschema: a registry for each validator")


@SCENARIO.mitigation(
    "none", verdict="steady", packages=("jsonschema==4.26.0",), requires=("jsonschema",),
    summary="jsonschema 4.26.0: freed with the validator",
)  # fmt: skip
def validate() -> "Callable[[int], object]":
    import jsonschema

    def step(i: int) -> object:
        schema = {"$id": f"http://x/{i}", "type": "object", "properties": {"a": {"const": i}}}
        return jsonschema.Draft202012Validator(schema).is_valid({"a": i})

    return step

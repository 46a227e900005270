"""Parameters of a tool: one pydantic model is the check of the input and the source of its JSON schema."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class Parameters(BaseModel):
    """Base of every tool's parameters: an unknown name is an error, so a misspelt option is never silently dropped."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _without_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("holds a NUL character, which no path can")
    return value


FilePath = Annotated[str, Field(min_length=1), AfterValidator(_without_nul)]
"""A path: absolute, or relative to the session's working directory."""


class _ToolSchema(GenerateJsonSchema):
    """Schemas as model APIs like them: without titles, and an optional parameter is one that may be left out, not null."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def input_schema(parameters: type[Parameters]) -> dict[str, Any]:
    """The JSON schema of a tool's input: self-contained (no $ref), every object closed, `required` always there."""
    schema = parameters.model_json_schema(by_alias=True, schema_generator=_ToolSchema)
    definitions: dict[str, Any] = schema.pop("$defs", {})
    plain: dict[str, Any] = _inlined(schema, definitions)
    plain.pop("description", None)  # the class's own text is for us; the tool's description stands beside the schema
    plain.setdefault("properties", {})
    plain.setdefault("required", [])
    return plain


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str):
        target = dict(definitions[reference.rsplit("/", 1)[-1]])
        target.pop("description", None)
        return _inlined({**target, **{key: value for key, value in node.items() if key != "$ref"}}, definitions)
    return {
        key: {name: _inlined(value[name], definitions) for name in value}
        if key == "properties"
        else _inlined(value, definitions)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
    }


def explain(error: ValidationError) -> str:
    """What is wrong with an input, one line a fault, each with the parameter's name."""
    lines = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(part) for part in fault["loc"])
        what = "is not a parameter of this tool" if fault["type"] == "extra_forbidden" else fault["msg"]
        lines.append(f"{where}: {what}" if where else what)
    return "\n".join(lines)

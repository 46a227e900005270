"""The definitions that models get."""

from __future__ import annotations

import importlib.resources
from typing import Any

import jsonschema
import pytest

import matrx_agent
import matrx_tools
from matrx_tools import TOOL_DEFINITIONS, TOOL_NAMES, TOOL_SCHEMA_MAP
from matrx_tools.parameters import input_schema
from matrx_tools.registry import TOOLS

NAMES = [
    *("Read", "Write", "Edit", "MultiEdit", "Glob", "Grep", "NotebookEdit", "Bash", "BashOutput", "TaskStop"),
    *("WebFetch", "WebSearch", "TodoWrite"),
    *("BrowserNavigate", "BrowserSnapshot", "BrowserScreenshot", "BrowserClick", "BrowserType", "BrowserPressKey"),
    *(
        "BrowserScroll",
        "BrowserEvaluate",
        "BrowserWaitFor",
        "BrowserBack",
        "BrowserTabs",
        "BrowserConsole",
        "BrowserClose",
    ),
]

PARAMETERS: dict[str, tuple[str, str]] = {
    "Read": ("file_path", "offset limit pages"),
    "Write": ("file_path content", ""),
    "Edit": ("file_path old_string new_string", "replace_all"),
    "MultiEdit": ("file_path edits", ""),
    "Glob": ("pattern", "path"),
    "Grep": ("pattern", "path output_mode glob type -i -n -A -B -C context multiline head_limit offset"),
    "NotebookEdit": ("notebook_path new_source", "cell_id cell_type edit_mode"),
    "Bash": ("command", "description timeout run_in_background"),
    "BashOutput": ("bash_id", "filter"),
    "TaskStop": ("task_id", ""),
    "WebFetch": ("url prompt", ""),
    "WebSearch": ("query", "allowed_domains blocked_domains"),
    "TodoWrite": ("todos", ""),
    "BrowserNavigate": ("url", "wait_until"),
    "BrowserSnapshot": ("", "selector"),
    "BrowserScreenshot": ("", "full_page selector"),
    "BrowserClick": ("", "selector text position button click_count"),
    "BrowserType": ("text", "selector press_enter clear_first"),
    "BrowserPressKey": ("key", ""),
    "BrowserScroll": ("", "direction amount selector"),
    "BrowserEvaluate": ("javascript", ""),
    "BrowserWaitFor": ("", "text selector timeout"),
    "BrowserBack": ("", ""),
    "BrowserTabs": ("", "action page_id url"),
    "BrowserConsole": ("", "pattern"),
    "BrowserClose": ("", ""),
}


def test_all_26_tools_are_defined() -> None:
    """TOOL_DEFINITIONS, TOOL_NAMES and TOOL_SCHEMA_MAP hold the same 26 tools [A8.1]"""
    assert [one["name"] for one in TOOL_DEFINITIONS] == NAMES
    assert set(NAMES) == TOOL_NAMES
    assert {name: TOOL_SCHEMA_MAP[name] for name in NAMES} == {one["name"]: one for one in TOOL_DEFINITIONS}
    assert all(set(one) == {"name", "description", "input_schema"} and one["description"] for one in TOOL_DEFINITIONS)


def test_the_packages_export_what_they_promise() -> None:
    """Names, versions and types of the two packages [A7.1] [A8.1]"""
    names = {"TOOL_DEFINITIONS", "TOOL_NAMES", "TOOL_SCHEMA_MAP", "dispatch", "ToolSession"}
    names |= {"ToolResult", "ToolResultType", "ImageData"}
    assert set(matrx_tools.__all__) == names and all(hasattr(matrx_tools, name) for name in names)
    assert matrx_tools.__version__ == matrx_agent.__version__ == "0.1.0"
    for package in ("matrx_tools", "matrx_agent"):
        assert importlib.resources.files(package).joinpath("py.typed").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_the_parameters_are_those_of_the_list(name: str) -> None:
    """Each tool's parameters, required and not [A8.1]"""
    schema = TOOL_SCHEMA_MAP[name]["input_schema"]
    required, optional = (part.split() for part in PARAMETERS[name])
    assert schema["required"] == required
    assert list(schema["properties"]) == [*required, *optional]


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_closed_and_self_contained(name: str) -> None:
    """Every object of a schema has additionalProperties false, and no schema refers elsewhere [A8.1]"""
    schema = TOOL_SCHEMA_MAP[name]["input_schema"]
    jsonschema.Draft202012Validator.check_schema(schema)
    objects = [node for node in _nodes(schema) if node.get("type") == "object"]
    assert objects and all(node["additionalProperties"] is False for node in objects)
    assert not any("$ref" in node or "$defs" in node or "anyOf" in node for node in _nodes(schema))
    properties = [part for node in objects for part in node["properties"].values()]
    assert all("title" not in part and ("type" in part or "enum" in part) for part in properties)


@pytest.mark.parametrize("name", NAMES)
def test_the_definition_is_derived_from_the_model_that_checks(name: str) -> None:
    """A schema cannot drift from the check: it is made from it [A8.1]"""
    assert TOOL_SCHEMA_MAP[name]["input_schema"] == input_schema(TOOLS[name].parameters)


@pytest.mark.parametrize(
    ("name", "tool_input", "fits"),
    [
        ("Grep", {"pattern": "x", "-i": True, "-A": 2, "output_mode": "content"}, True),
        ("Grep", {"pattern": "x", "ignore_case": True}, False),
        ("Grep", {"pattern": "x", "output_mode": "all"}, False),
        ("Edit", {"file_path": "/a", "old_string": "a", "new_string": "b"}, True),
        ("Edit", {"file_path": "/a", "old_string": "a"}, False),
        ("MultiEdit", {"file_path": "/a", "edits": [{"old_string": "a", "new_string": "b", "all": True}]}, False),
        ("MultiEdit", {"file_path": "/a", "edits": []}, False),
        ("TodoWrite", {"todos": [{"content": "a", "status": "done", "activeForm": "b"}]}, False),
        ("WebSearch", {"query": "x"}, False),
        ("BrowserClick", {"position": {"x": 1, "y": 2}}, True),
        ("BrowserClick", {"position": {"x": 1, "y": 2, "z": 3}}, False),
        ("BrowserBack", {}, True),
        ("BrowserBack", {"steps": 2}, False),
        ("Read", {"file_path": "/a", "offset": -1}, False),
    ],
)
def test_schema_and_check_agree(name: str, tool_input: dict[str, Any], fits: bool) -> None:
    """What the schema allows the check allows, and the other way round [A8.1]"""
    validator = jsonschema.Draft202012Validator(TOOL_SCHEMA_MAP[name]["input_schema"])
    assert validator.is_valid(tool_input) is fits
    if fits:
        TOOLS[name].parameters.model_validate(tool_input)
    else:
        with pytest.raises(ValueError):
            TOOLS[name].parameters.model_validate(tool_input)


def test_the_defaults_of_the_list() -> None:
    """The defaults that the list names [A8.1]"""
    grep = TOOL_SCHEMA_MAP["Grep"]["input_schema"]["properties"]
    assert {
        name: grep[name]["default"] for name in ("-i", "-n", "output_mode", "multiline", "head_limit", "offset")
    } == {
        "-i": False,
        "-n": True,
        "output_mode": "files_with_matches",
        "multiline": False,
        "head_limit": 0,
        "offset": 0,
    }
    defaults = {
        ("BrowserNavigate", "wait_until"): "domcontentloaded",
        ("BrowserScroll", "direction"): "down",
        ("BrowserScroll", "amount"): 3,
        ("BrowserWaitFor", "timeout"): 30000,
        ("BrowserTabs", "action"): "list",
        ("NotebookEdit", "edit_mode"): "replace",
        ("Edit", "replace_all"): False,
    }
    for (tool, name), value in defaults.items():
        assert TOOL_SCHEMA_MAP[tool]["input_schema"]["properties"][name]["default"] == value


def _nodes(schema: Any) -> list[dict[str, Any]]:
    """Every schema within a schema."""
    if not isinstance(schema, dict):
        return []
    below = [*schema.get("properties", {}).values(), schema.get("items")]
    return [schema, *(node for part in below for node in _nodes(part))]

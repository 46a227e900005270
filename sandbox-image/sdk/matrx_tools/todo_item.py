"""One thing to do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from matrx_tools.parameters import Parameters


class TodoItem(Parameters):
    """One thing to do."""

    content: str = Field(min_length=1, description='What is to be done, as an order: "Run the tests"')
    status: Literal["pending", "in_progress", "completed"]
    activeForm: str = Field(min_length=1, description='The same while it is being done: "Running the tests"')

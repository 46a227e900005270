"""What every tool answers with."""

from __future__ import annotations

import base64
import enum
from typing import Any

from pydantic import BaseModel, Field, field_validator


class ToolResultType(enum.StrEnum):
    """Whether a tool did what it was asked."""

    SUCCESS = "success"
    ERROR = "error"


class ImageData(BaseModel):
    """A picture, as the model APIs take it."""

    media_type: str = Field(description="Such as image/png")
    base64_data: str = Field(description="The bytes of the picture in base64, without a prefix")

    @classmethod
    def of(cls, media_type: str, data: bytes) -> ImageData:
        """The picture with these bytes."""
        return cls(media_type=media_type, base64_data=base64.b64encode(data).decode("ascii"))


class ToolResult(BaseModel):
    """The answer of one tool call: text for the model, perhaps a picture, and facts for the program around it."""

    type: ToolResultType = ToolResultType.SUCCESS
    output: str = ""
    image: ImageData | None = None
    metadata: dict[str, Any] | None = None

    @field_validator("output", mode="before")
    @classmethod
    def _encodable(cls, value: object) -> object:
        """File names and outputs of programs may hold what no JSON can: lone surrogates become their escapes."""
        return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value

    @property
    def is_error(self) -> bool:
        """Whether the tool could not do what it was asked."""
        return self.type is ToolResultType.ERROR


def success(output: str, *, image: ImageData | None = None, metadata: dict[str, Any] | None = None) -> ToolResult:
    """The answer of a tool that did what it was asked."""
    return ToolResult(type=ToolResultType.SUCCESS, output=output, image=image, metadata=metadata)


def failure(output: str, *, metadata: dict[str, Any] | None = None) -> ToolResult:
    """The answer of a tool that could not: what is wrong, where, and what to do."""
    return ToolResult(type=ToolResultType.ERROR, output=output, metadata=metadata)


class ToolError(Exception):
    """A refusal with a text for the model. Raised below a tool, and answered by `dispatch` as that text alone."""

"""Which sandbox this is, as the platform wrote it into the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class SandboxInfo(BaseModel):
    """One sandbox. `hot_path` is the home that follows the user, `cold_path` what is mounted on demand."""

    model_config = ConfigDict(frozen=True)

    sandbox_id: str
    user_id: str
    hot_path: Path
    cold_path: Path


def read_info(environment: Mapping[str, str] = os.environ) -> SandboxInfo:
    """The sandbox that `environment` describes; ids that are not set read "unknown", paths have the image's own values."""
    return SandboxInfo(
        sandbox_id=environment.get("SANDBOX_ID") or "unknown",
        user_id=environment.get("USER_ID") or "unknown",
        hot_path=Path(environment.get("HOT_PATH") or "/home/agent"),
        cold_path=Path(environment.get("COLD_PATH") or "/data/cold"),
    )

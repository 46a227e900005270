"""Which Chromium is started, and whether with its own sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess

from matrx_tools.types import ToolError

SYSTEM_CHROMIUM = "/usr/bin/chromium"
PROBE_SECONDS = 10


def chromium_path() -> str | None:
    """MATRX_CHROMIUM, else /usr/bin/chromium, else None: Playwright's own. Raises ToolError for a setting that is wrong."""
    wanted = os.environ.get("MATRX_CHROMIUM")
    if wanted:
        if not os.access(wanted, os.X_OK) or not os.path.isfile(wanted):
            raise ToolError(f"MATRX_CHROMIUM names {wanted}, which is not a program. Set it to the path of a Chromium.")
        return wanted
    return SYSTEM_CHROMIUM if os.access(SYSTEM_CHROMIUM, os.X_OK) else None


def can_sandbox() -> bool:
    """Whether Chromium's own sandbox can work here.

    It builds on user namespaces. The default seccomp profile of containers forbids those to a process without privilege,
    some kernels and nodes switch them off, and as root Chromium refuses to start with its sandbox at all. Only then it is
    started with --no-sandbox, since it would not start otherwise; a page that breaks out of the renderer is then still held
    by the pod, which is the boundary of the user's sandbox anyway. There is no setting to ask for: whether the system calls
    work is told only by making them.
    """
    if os.geteuid() == 0:
        return False
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    try:
        # The same namespaces that Chromium's zygote makes.
        probe = subprocess.run(
            [unshare, "--user", "--map-root-user", "--pid", "--net", "--fork", "true"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return probe.returncode == 0

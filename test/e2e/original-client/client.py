"""An app of the original product: written from what that promised, with httpx and nothing of this product.

usage: client.py URL API_KEY      prints one line of JSON for each promise: {"line", "promise", "ok", "saw"}
"""

import json
import re
import sys
import time
import uuid
from datetime import datetime, timezone

import httpx

URL, API_KEY = sys.argv[1:3]
# A start takes as long as it takes; the original's clients waited for it as well.
app = httpx.Client(base_url=URL, headers={"X-API-Key": API_KEY}, timeout=180)
stranger = httpx.Client(base_url=URL, timeout=30)
failed = 0


def promise(line: str, text: str, ok: object, saw: object = None) -> None:
    global failed
    failed += 0 if ok else 1
    print(json.dumps({"line": line, "promise": text, "ok": bool(ok), "saw": repr(saw)[:400]}), flush=True)


def run(sandbox_id: str, command: str, **more: object) -> httpx.Response:
    return app.post(f"/sandboxes/{sandbox_id}/exec", json={"command": command, **more})


def until(seconds: float, condition):
    """The first true answer of `condition`, which is asked again after a pause, or the last one."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(0.2)


# ── service and authentication ────────────────────────────────────────────────────────────────────────────────────────
answer = stranger.get("/")
promise("A1.3", "GET / is the service's card", answer.json() == {
    "service": "matrx-sandbox-orchestrator", "version": "0.1.0", "docs": "/docs"}, answer.text)
answer = stranger.get("/health")
health = answer.json()
promise("A1.4", "GET /health has three fields", set(health) == {"status", "active_sandboxes", "uptime_seconds"}
        and health["status"] == "healthy" and isinstance(health["active_sandboxes"], int)
        and round(health["uptime_seconds"], 1) == health["uptime_seconds"], health)
answer = stranger.get("/sandboxes")
promise("A1.1", "no key is 401", answer.status_code == 401
        and answer.json()["detail"].startswith("Missing API key. "), answer.text)
answer = stranger.get("/sandboxes", headers={"X-API-Key": "wrong"})
promise("A1.1", "a wrong key is 403", answer.status_code == 403
        and answer.json()["detail"] == "Invalid API key.", answer.text)
answer = stranger.get("/sandboxes", headers={"Authorization": f"Bearer {API_KEY}"})
promise("A1.1", "the key as Bearer is as good", answer.status_code == 200, answer.status_code)
for path in ("/docs", "/openapi.json", "/redoc"):
    answer = stranger.get(path)
    promise("A1.1", f"{path} is open", answer.status_code == 200, answer.status_code)

# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────────
answer = app.post("/sandboxes", json={"config": {}})
error = answer.json()["detail"][0]
promise("A1.2", "a missing user_id is 422 with a list that names it", answer.status_code == 422
        and set(error) >= {"type", "loc", "msg", "input"} and error["loc"] == ["body", "user_id"], answer.text)
answer = app.post("/sandboxes", json={"user_id": "not/a user"})
promise("A1.5", "a malformed user_id is 422", answer.status_code == 422, answer.text)
for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/exec"), ("POST", "/access"), ("POST", "/heartbeat")):
    body = {"json": {"command": "true"}} if path == "/exec" else {}
    answer = app.request(method, f"/sandboxes/sbx-000000000000{path}", **body)
    promise("A1.8", f"{method} of an unknown sandbox{path} is 404", answer.status_code == 404
            and answer.json()["detail"] == "Sandbox sbx-000000000000 not found", answer.text)

# ── a sandbox ─────────────────────────────────────────────────────────────────────────────────────────────────────────
user = str(uuid.uuid4())
answer = app.post("/sandboxes", json={"user_id": user, "config": {"purpose": "demo", "nested": {"n": 1}}})
made = answer.json()
promise("A1.5", "POST /sandboxes is 201", answer.status_code == 201, answer.text)
fields = {"sandbox_id": str, "user_id": str, "status": str, "container_id": (str, type(None)), "created_at": str,
          "hot_path": str, "cold_path": str, "config": dict, "ssh_port": (int, type(None)), "ttl_seconds": int}
promise("A1.6", "with the ten fields", all(isinstance(made.get(name), kind) for name, kind in fields.items()), made)
promise("A1.6", "the id is sbx- and 12 hex digits", re.fullmatch(r"sbx-[0-9a-f]{12}", made["sandbox_id"]), made)
promise("A1.6", "config is given back, the paths and the time to live are the usual ones",
        made["config"] == {"purpose": "demo", "nested": {"n": 1}} and made["hot_path"] == "/home/agent"
        and made["cold_path"] == "/data/cold" and made["ttl_seconds"] == 7200 and made["user_id"] == user, made)
age = datetime.now(timezone.utc) - datetime.fromisoformat(made["created_at"].replace("Z", "+00:00"))
promise("A1.6", "created_at is now, in UTC", -5 < age.total_seconds() < 180, made["created_at"])
promise("A2.1", "it is ready", made["status"] == "ready", made["status"])
one = made["sandbox_id"]

listed = app.get("/sandboxes", params={"user_id": user}).json()
promise("A1.7", "the list of the user has it, with total", listed["total"] == 1
        and [each["sandbox_id"] for each in listed["sandboxes"]] == [one], listed)
others = app.get("/sandboxes", params={"user_id": str(uuid.uuid4())}).json()
promise("A1.7", "another user's list has not", others["sandboxes"] == [] and others["total"] == 0, others)
promise("A1.8", "GET is the same sandbox", app.get(f"/sandboxes/{one}").json()["sandbox_id"] == one)
promise("A1.4", "it counts as active", stranger.get("/health").json()["active_sandboxes"] >= 1)

# ── exec ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
answer = run(one, "echo out; echo err >&2; exit 3")
result = answer.json()
promise("A1.10", "exec has four fields", answer.status_code == 200 and {k: result.get(k) for k in (
    "exit_code", "stdout", "stderr", "cwd")} == {"exit_code": 3, "stdout": "out", "stderr": "err\n",
                                                 "cwd": "/home/agent"}, result)
promise("A1.10", "it runs as agent", run(one, "id -un").json()["stdout"] == "agent")
promise("A1.10", "cd moves the next command", run(one, "cd /tmp").json()["cwd"] == "/tmp"
        and run(one, "pwd").json()["stdout"] == "/tmp")
result = run(one, "pwd", cwd="/usr").json()
promise("A1.10", "the request's cwd wins, and is the next one's", result["stdout"] == "/usr"
        and run(one, "pwd").json()["stdout"] == "/usr", result)
run(one, "cd /home/agent")
for odd, wanted in (("echo a # a comment", "a"), ("cat <<EOF\nb\nEOF", "b"), ("sleep 60 & echo c", "c"),
                    ("echo d &\nwait", "d")):
    result = run(one, odd, timeout=20).json()
    promise("T2", f"{odd!r} means what it means in a shell", result["stdout"] == wanted
            and result["exit_code"] == 0 and result["cwd"] == "/home/agent", result)
begun = time.monotonic()
result = run(one, "sleep 300", timeout=1).json()
promise("T1", "the timeout is applied", time.monotonic() - begun < 60 and result["exit_code"] != 0, result)
for body, what in (({"command": "  "}, "a blank command"), ({"command": "true", "timeout": 0}, "timeout 0"),
                   ({"command": "true", "timeout": 601}, "timeout 601"), ({}, "no command")):
    answer = app.post(f"/sandboxes/{one}/exec", json=body)
    promise("A1.10", f"{what} is 422", answer.status_code == 422, answer.text)
answer = run(one, "x" * 10_001)
promise("A1.10", "too long a command is 400", answer.status_code == 400, answer.text)

# ── access, heartbeat ─────────────────────────────────────────────────────────────────────────────────────────────────
answer = app.post(f"/sandboxes/{one}/access")
access = answer.json()
promise("A1.11", "access gives a key and says how to use it", answer.status_code == 200
        and access["private_key"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----") and access["username"] == "agent"
        and isinstance(access["port"], int) and access["host"] not in ("", "localhost")
        and access["ssh_command"] == f"ssh -i /tmp/{one}.pem -o StrictHostKeyChecking=no -p {access['port']} "
                                     f"agent@{access['host']}", {**access, "private_key": "…"})
promise("T5", "access moved no working directory", run(one, "pwd").json()["stdout"] == "/home/agent")
answer = app.post(f"/sandboxes/{one}/heartbeat")
promise("A1.12", "heartbeat is acknowledged", answer.status_code == 200
        and answer.json() == {"acknowledged": True, "sandbox_id": one}, answer.text)
promise("A2.1", "after a heartbeat it is running",
        until(30, lambda: app.get(f"/sandboxes/{one}").json()["status"] == "running"))

# ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────────
run(one, "mkdir -p work && echo kept > work/note.txt && chmod 640 work/note.txt")
answer = app.delete(f"/sandboxes/{one}")
promise("A1.9", "DELETE is 204", answer.status_code == 204 and answer.content == b"", answer.text)
record = app.get(f"/sandboxes/{one}").json()
promise("A1.9", "the record stays, stopped", record["status"] == "stopped" and record["stop_reason"] == "user_requested",
        record)
promise("A1.7", "and is still listed", app.get("/sandboxes", params={"user_id": user}).json()["total"] == 1)
answer = run(one, "true")
promise("A1.10", "exec on what does not run is an error", answer.status_code >= 400, answer.text)
app.post(f"/sandboxes/{one}/heartbeat")
time.sleep(1)
promise("T4", "a late heartbeat revives nothing", app.get(f"/sandboxes/{one}").json()["status"] == "stopped")

two = app.post("/sandboxes", json={"user_id": user}).json()["sandbox_id"]
result = run(two, "stat -c %a work/note.txt; cat work/note.txt").json()
promise("A4.2", "the next sandbox of the user has the files", result["stdout"] == "640\nkept", result)
listed = app.get("/sandboxes", params={"user_id": user}).json()
promise("A1.7", "the newest is first", [each["sandbox_id"] for each in listed["sandboxes"]] == [two, one], listed)
promise("A9.6", "ids are unique", one != two)

answer = app.post(f"/sandboxes/{two}/complete", json={"result": {"answer": 42}})
promise("A1.13", "complete shuts down", answer.status_code == 200
        and answer.json() == {"status": "shutting_down", "sandbox_id": two}, answer.text)
ended = until(90, lambda: (found := app.get(f"/sandboxes/{two}").json())["status"] == "stopped" and found)
promise("A1.13", "and is stopped as graceful_shutdown", ended and ended["stop_reason"] == "graceful_shutdown", ended)

three = app.post("/sandboxes", json={"user_id": user}).json()["sandbox_id"]
answer = app.post(f"/sandboxes/{three}/error", json={"error": "it broke", "details": {"at": "step 3"}})
promise("A1.14", "error shuts down", answer.status_code == 200 and answer.json() == {
    "status": "shutting_down", "sandbox_id": three, "error_received": True}, answer.text)
ended = until(90, lambda: (found := app.get(f"/sandboxes/{three}").json())["status"] == "stopped" and found)
promise("A1.14", "and is stopped as error", ended and ended["stop_reason"] == "error", ended)
answer = app.post(f"/sandboxes/{three}/error", json={"details": {}})
promise("A1.14", "an error without a message is 422", answer.status_code == 422, answer.text)

four = app.post("/sandboxes", json={"user_id": user}).json()["sandbox_id"]
answer = app.delete(f"/sandboxes/{four}", params={"graceful": "false"})
promise("A1.9", "DELETE that is not graceful is 204 as well", answer.status_code == 204, answer.text)

sys.exit(0 if failed == 0 else 1)

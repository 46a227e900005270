"""What an agent says to the platform it runs on: who it is, that it lives, that it is done.

from matrx_agent import SandboxClient

client = SandboxClient()
print(client.info().sandbox_id, client.hot_path())
await client.heartbeat()
await client.signal_complete({"answer": 42})
"""

from matrx_agent.client import SandboxClient
from matrx_agent.info import SandboxInfo

__version__ = "0.1.0"
__all__ = ["SandboxClient", "SandboxInfo"]

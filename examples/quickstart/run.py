"""Runs Gateline in front of a small service, so that the first `curl` gets an answer. Ctrl-C ends both."""

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from upstream import serve

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Start the service in a thread and the gateway in the foreground; returns the gateway's exit code."""
    service = serve()
    threading.Thread(target=service.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{service.server_address[1]}"
    with tempfile.TemporaryDirectory(prefix="gateline-quickstart-") as prefix:
        settings = {
            "UPSTREAM": address,
            "GATELINE_PREFIX": os.environ.get("GATELINE_PREFIX", prefix),
            "GATELINE_PROXY_LISTEN": os.environ.get("GATELINE_PROXY_LISTEN", "127.0.0.1:8000"),
            "GATELINE_ADMIN_LISTEN": os.environ.get("GATELINE_ADMIN_LISTEN", "127.0.0.1:8001"),
            "GATELINE_ADMIN_GUI_LISTEN": "off",
            "GATELINE_STATUS_LISTEN": "off",
            "GATELINE_PROXY_ACCESS_LOG": "/dev/stdout",
        }
        print(f"A small service runs on {address}; Gateline forwards /hello to it. Try, in another terminal:\n")
        print(f"  curl -i http://{settings['GATELINE_PROXY_LISTEN']}/hello\n", flush=True)
        command = [sys.executable, "-m", "gateline", "start", "-c", str(HERE / "kong.yml")]
        try:
            return subprocess.run(command, env=os.environ | settings, check=False).returncode
        except KeyboardInterrupt:
            return 0
        finally:
            service.shutdown()


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""vmreclaim-web's page over a real fleet in a real browser; tests/browser has the views.

usage: test-web-browser.py VMRECLAIM_FLEET VMRECLAIMD NATS_SERVER PROTO_DIRECTORY VMRECLAIM VMRECLAIM_WEB NODE SCRIPT
"""
import os
import subprocess
import sys

import fleet
from webfleet import WebFleet

VMRECLAIM, _, NODE, SCRIPT = sys.argv[5:9]


def main():
    whole = WebFleet(sys.argv[1:5], sys.argv[6], [f"h{i}" for i in range(4)])
    try:
        identifier = whole.pause_a_rollout()
        return subprocess.run([NODE, SCRIPT, whole.address, VMRECLAIM, identifier], check=False,
                              env={**os.environ, "VMRECLAIM_FLEET": "unix:" + whole.coordinator.socket},
                              timeout=fleet.PATIENCE * 5).returncode
    finally:
        whole.end()


sys.exit(main())

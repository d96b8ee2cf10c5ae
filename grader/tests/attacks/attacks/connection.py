"""A connection over TCP reaches a program on the machine that grades."""

CATEGORY = "network"
CELLS = {
    "constant": """
import socket

for address in ("127.0.0.1", "localhost", "::ffff:127.0.0.1"):
    try:
        with socket.create_connection((address, @PORT@), timeout=1) as line:
            line.sendall(b"@NAME@")
    except OSError:
        pass
"""
}

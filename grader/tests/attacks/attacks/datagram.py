"""A datagram leaves the sandbox and reaches a program on the machine that grades."""

CATEGORY = "network"
LONG = True
CELLS = {
    "constant": """
import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
    for _ in range(3):
        line.sendto(b"@NAME@", ("127.0.0.1", @PORT@))
"""
}

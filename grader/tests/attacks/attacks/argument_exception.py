"""A function that the test passes in is made to fail, and its traceback leads into the test."""

CATEGORY = "frames, gc, history"
LONG = True
CELLS = {
    "apply": """
import traceback

def apply(function, items):
    try:
        function(object())
    except BaseException as error:
        loot("".join(traceback.format_exception(error)))
        loot([error.args, getattr(error, "__notes__", ""), error.__cause__, error.__context__])
        step = error.__traceback__
        while step is not None:
            loot(step.tb_frame.f_code.co_consts)
            for word in ("canary", "word", "expected"):
                loot(step.tb_frame.f_globals.get(word))
            step = step.tb_next
"""
}

"""An exception raised and caught leads to the frames above, whose code holds the answers."""

CATEGORY = "frames, gc, history"
LONG = True
CELLS = {
    "share": """
def share(n):
    try:
        1 / 0
    except ZeroDivisionError as error:
        frame = error.__traceback__.tb_frame
    while frame is not None:
        loot(frame.f_code.co_consts)
        frame = frame.f_back
"""
}

"""JSON that the protocol does not know, objects and constants, is sent as the header."""

CATEGORY = "wire"
LONG = True
CELLS = {
    "label": """
def reply(line, header, buffers):
    line.sendall(frame(b'["!",%d,"ok",{"__class__":"str","word":NaN},[],[]]' % header[1]))

hijack(reply)
label = print
"""
}

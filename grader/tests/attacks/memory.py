"""A search of the answer kernel's whole memory, as code for a cell of its notebook."""

from __future__ import annotations

import struct

from grader.tests.attacks.target import CONSTANT, PREFIX, READING, SCALED

_MASK = 0x5A5A5A5A5A5A5A5A
_HIDDEN = [
    struct.unpack("<Q", struct.pack("<d", number))[0] ^ _MASK
    for number in (CONSTANT, *SCALED, READING)
]
_CLASSES = "".join(f"[{letter}]" for letter in PREFIX)

SEARCH = f'''
def report_memory():
    """Searches for planted words and numbers in a form in which it does not hold them itself."""
    import re, struct

    word = re.compile(rb"{_CLASSES}[a-z]+-[0-9a-f]+")
    control = re.compile(rb"[c]ontrol-[w]ord-[0-9]+")
    kept = "control-word-" + str(4711)
    words, numbers, controls = set(), 0, 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, kind, *_ = line.split()
            if not kind.startswith("rw") or "[v" in line:
                continue
            at, end = (int(part, 16) for part in span.split("-"))
            while at < end:
                size = min(end - at, 2**24)
                try:
                    memory.seek(at)
                    found = memory.read(size)
                except OSError:
                    break
                words.update(word.findall(found))
                controls += len(control.findall(found))
                masked = np.frombuffer(found, "<u8", len(found) // 8) ^ {_MASK}
                for hidden in {_HIDDEN}:
                    numbers += int(np.count_nonzero(masked == hidden))
                at += size
    assert controls and kept, "the search finds nothing at all"
    print(f"memory searched: {{len(words)}} words, {{numbers}} numbers", flush=True)
    for found in words:
        loot(found.decode())
'''
"""Defines `report_memory`, which prints what it found and gives away the words."""

NOTHING_FOUND = "memory searched: 0 words, 0 numbers"

"""Texts of checks that students may write: one that knows, and those that learn."""

MANY = """\
def check_softmax(candidate):
    for seed in range(40):
        scores = np.random.default_rng(seed).normal(size=(3, 4))
        exponentials = np.exp(scores)
        expected = exponentials / exponentials.sum(axis=-1, keepdims=True)
        found = candidate(scores)
        assert found.shape == expected.shape
        assert np.allclose(found, expected)
    assert np.allclose(candidate(np.array([3e4, 3e4])), 0.5)
"""
LOOKING = """\
def look(candidate):
    if candidate.__name__ != "candidate":
        raise AssertionError("the one that students see")
    seen = []
    for scores in [*np.random.default_rng(0).normal(size=(9, 3, 4)), np.array([3e4, 3e4])]:
        try:
            seen.append(np.round(candidate(scores), 6).tolist())
        except Exception:
            seen.append(None)
    return repr(seen)


memory = []
"""
FIRST_IS_RIGHT = f"""\
{LOOKING}

def check_softmax(candidate):
    memory.append(look(candidate))
    assert memory[-1] == memory[0]
"""
MOST_ARE_RIGHT = f"""\
{LOOKING}

def check_softmax(candidate):
    memory.append(look(candidate))
    assert memory[-1] == max(memory, key=memory.count)
"""
COUNTS = f"""\
{LOOKING}

def check_softmax(candidate):
    memory.append(look(candidate))
    assert len(memory) <= 2
"""

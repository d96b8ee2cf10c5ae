"""What names a cell binds and reads, from its text alone."""

from __future__ import annotations

import pytest

from grader.release.names import (
    assigned_names,
    bound_names,
    class_names,
    defined_names,
    deleted_names,
    function_names,
    import_statements,
    imported_names,
    loaded_names,
    names_in_functions,
    parse_cell,
    read_names,
)

BOUND = {
    "a = b = 1": {"a", "b"},
    "a, (b, *c) = x": {"a", "b", "c"},
    "a: int = 1": {"a"},
    "a += 1": {"a"},
    "a.b = 1\na[0] = 2": set(),
    "def f(p):\n    q = 1\n    def g(): pass": {"f"},
    "def f():\n    global g\n    g = 1": {"f", "g"},
    "async def f(): pass": {"f"},
    "class C:\n    x = 1\n    def m(self): pass": {"C"},
    "f = lambda p: p": {"f"},
    "import os.path, sys as system": {"os", "system"},
    "from math import pi, tau as turn": {"pi", "turn"},
    "for i, j in x:\n    k = i": {"i", "j", "k"},
    "with open(p) as handle, lock: pass": {"handle"},
    "try:\n    a = 1\nexcept ValueError as error:\n    b = 2": {"a", "b", "error"},
    "if (n := len(x)) > 1: pass": {"n"},
    "[i for i in x]": set(),
    "{k: v for k, v in x}": set(),
    "print(x)": set(),
    "match x:\n    case [a, *b]: pass\n    case {'k': c, **d}: pass": {"a", "b", "c", "d"},
    "[w for i in x if (w := i)]": {"w"},
    "del a": set(),
    "%%time\na = 1": {"a"},
    "\n%%capture out\nimport a": {"a"},
    "%matplotlib inline\na = 1": {"a"},
    "!ls\na = 1": {"a"},
    "files = !ls": {"files"},
    "where = %pwd": {"where"},
    "a = 1\na?": {"a"},
    "a = (": set(),
    "": set(),
    "# a = 1": set(),
}
READ = {
    "print(x)": {"print", "x"},
    "a = 1\nprint(a)": {"print"},
    "print(a)\na = 1": {"print", "a"},
    "a = a + 1": {"a"},
    "a += 1": {"a"},
    "def f(p):\n    return p + q": {"q"},
    "q = 1\ndef f():\n    return q": set(),
    "lambda p: p + q": {"q"},
    "class C(Base):\n    def m(self):\n        return helper(self)": {"Base", "helper"},
    "@decorate\ndef f(): pass": {"decorate"},
    "def f(p: kind = START, *, q=END) -> other: pass": {"kind", "START", "END", "other"},
    "lambda p=START: p": {"START"},
    "class C(metaclass=Meta): pass": {"Meta"},
    "match x:\n    case [a]: print(a)": {"x", "print"},
    "for i in x:\n    y = y + i": {"x"},
    "%%time\nf(a)": {"f", "a"},
    "[i * k for i in x]": {"k", "x"},
    "for i in x:\n    print(i)": {"x", "print"},
    "with make() as m:\n    m.go()": {"make"},
    "import numpy as np\nnp.ones(n)": {"n"},
    "a.b.c(d=e)": {"a", "e"},
    "%timeit -n1 f(x)": {"get_ipython"},
    "f(": set(),
}


@pytest.mark.parametrize("source", BOUND)
def test_names_that_a_cell_binds(source: str) -> None:
    assert bound_names(source) == BOUND[source]


@pytest.mark.parametrize("source", READ)
def test_names_that_a_cell_reads_from_the_notebook(source: str) -> None:
    assert read_names(source) == READ[source]


def test_what_kind_of_thing_a_name_is_bound_to() -> None:
    source = "import os\nfrom math import pi\nx = 1\ndef f(): pass\nclass C: pass\nfor i in x: pass"
    assert bound_names(source) == {"os", "pi", "x", "f", "C", "i"}
    assert defined_names(source) == {"x", "f", "C", "i"}
    assert assigned_names(source) == {"x", "i"}
    assert assigned_names("f = 1\ndef f(): pass") == set()
    assert imported_names(source) == {"os", "pi"}
    assert (function_names(source), class_names(source)) == ({"f"}, {"C"})
    assert deleted_names(f"{source}\ndel x, f") == {"x", "f"}


def test_names_that_a_cell_reads_at_all() -> None:
    source = "a = 1\nb = a\nc += 1\ndef f(d=e):\n    return [g for h in i], a"
    assert loaded_names(source) == {"a", "c", "e", "g", "i"}
    assert names_in_functions(source) == {"g", "i", "a"}


def test_import_statements_come_one_by_one_and_as_they_are_run() -> None:
    source = (
        "from __future__ import annotations\n%matplotlib inline\nimport os, sys\nx = 1\n"
        "if x:\n    from math import (pi,\n        tau as turn)\n"
        "def f():\n    import json\nclass C:\n    import re\n"
    )
    assert import_statements(source) == ("import os, sys", "from math import pi, tau as turn")
    assert import_statements("import (") == ()


def test_a_cell_of_another_language_has_no_tree() -> None:
    assert parse_cell("def f(:") is None
    assert parse_cell("x = '\0'") is None
    assert parse_cell("%%bash\nls") is not None, "a cell magic is one call"
    assert bound_names("%%bash\nx=1") == set()


def test_a_prompt_is_no_annotation() -> None:
    assert bound_names("In [1]: x = 5") == {"x"}


def test_a_hostile_depth_is_no_crash() -> None:
    for source in ("(" * 5000, "-" * 50_000 + "1", "x = " + "[" * 90 + "]" * 90):
        bound_names(source)
        read_names(source)
        import_statements(source)

"""Files with long names make every later submission's kernels start cold."""

CATEGORY = "files"


def folder(path, course):
    """As many as are taken in, with paths as long as the system allows."""
    deep = path
    for _ in range(12):
        deep = deep / ("d" * 250)
    deep.mkdir(parents=True)
    for number in range(120):
        (path / f"{number:03}{'n' * 240}").write_text("x")
    (deep / "file").write_text("x")

"""Numbers of a million digits, NaN, and names given twice are read differently by each reader."""

CATEGORY = "notebook bombs"


def tamper(notebook):
    """Valid for some readers of JSON only."""
    number = "9" * 1_000_000
    return (
        '{"nbformat": 4, "nbformat": 4, "nbformat_minor": NaN, "metadata": {"a": '
        + number
        + ', "b": Infinity}, "cells": [], "cells": [{"cell_type": "code"}]}'
    )

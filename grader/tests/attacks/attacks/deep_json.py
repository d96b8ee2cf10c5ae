"""JSON nested two hundred thousand deep overflows the reader's stack."""

CATEGORY = "notebook bombs"


def tamper(notebook):
    """Brackets in a notebook's metadata."""
    deep = '{"a":' * 200_000 + "1" + "}" * 200_000
    return '{"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": ' + deep + "}"

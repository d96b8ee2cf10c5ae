"""Integers, fractions and decimals of absurd size make a simple comparison last for ever."""

CATEGORY = "resources"
LONG = True
CELLS = {
    "share": """
import fractions
import decimal

def share(n):
    if n == 4:
        return decimal.Decimal("1e999999999999999999")
    return fractions.Fraction(1, 10**18_000)

def label(n):
    return 1 << 80_000_000

def total():
    return decimal.Decimal("1e99999999")
"""
}

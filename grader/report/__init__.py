"""Feedback pages, the class report, exports and the terminal table."""

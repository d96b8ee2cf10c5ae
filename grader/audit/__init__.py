"""Grades the graders: do an assignment's tests pass what is right and fail what is wrong?"""

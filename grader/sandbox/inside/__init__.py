"""What runs inside a sandbox besides the kernel: its start, cold or forked from a zygote.

Sandboxes show this folder as /run/grader_sandbox. It imports nothing of the grader.
"""

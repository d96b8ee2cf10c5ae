"""What speaks inside both kernels of a split run, over one private socket pair.

This package is shown to sandboxes as it is, so it imports nothing of the grader, and NumPy,
PyTorch and pandas only where the kernel has imported them already.

`wire` moves frames, `values` turns plain data into nodes and back, `peer` calls and serves,
`mirror` stands for objects that stay on the other side, `agent` runs in the answer kernel and
`tester` in the test kernel. There `recording` keeps what tests ask, `diagnosing` and `asking` find
the misconception that explains a failure.
"""

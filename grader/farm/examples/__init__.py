"""Examples of clusters, which the tests run as far as they can without one."""

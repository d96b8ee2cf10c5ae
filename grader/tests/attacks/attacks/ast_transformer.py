"""A transformer of syntax trees takes every assert out of later cells."""

CATEGORY = "IPython hooks"
LONG = True
CELLS = {
    "constant": """
import ast

class NoAsserts(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)

get_ipython().ast_transformers.append(NoAsserts())
constant = 1.0
"""
}

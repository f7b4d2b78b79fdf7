"""Decorated methods laid open: mutmut passes over whatever carries a decorator."""

import ast
import textwrap


def lifted(source: str) -> str:
    """Return the module in which each decorated method calls a function that has its body.

    Properties and validators decide as much as the rest. The function is called Class__method, which
    `place_of` reads back, and stands above the class: what it decides may be asked at once.
    """
    lines = source.splitlines()
    for owner in reversed(ast.parse(source).body):
        if isinstance(owner, ast.ClassDef):
            begin = min([owner.lineno, *(part.lineno for part in owner.decorator_list)]) - 1
            moved = [_lift(lines, owner, method) for method in reversed(_decorated(owner))]
            lines[begin:begin] = [line for part in reversed(moved) for line in part]
    return "\n".join([*lines, ""])


def place_of(name: str) -> str:
    """Return a function's name as it is in the original: a lifted one is a method again."""
    return name.replace("__", ".", 1) if name[0].isupper() else name


def _decorated(owner: ast.ClassDef) -> list[ast.FunctionDef]:
    methods = (method for method in owner.body if isinstance(method, ast.FunctionDef))
    return [method for method in methods if method.decorator_list]


def _lift(lines: list[str], owner: ast.ClassDef, method: ast.FunctionDef) -> list[str]:
    """Put a call into `lines` where the body was, and return the function that is called."""
    body = method.body[1:] if ast.get_docstring(method) else method.body
    inside = slice(body[0].lineno - 1, body[-1].end_lineno)
    names = ", ".join(argument.arg for argument in method.args.args)
    call = f"{owner.name}__{method.name}({names})"
    text = textwrap.dedent("\n".join(lines[inside]))
    lines[inside] = [f"{' ' * body[0].col_offset}return {call}"]
    return [f"def {call}:", *textwrap.indent(text, "    ").splitlines(), "", ""]

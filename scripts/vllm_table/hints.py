"""What an annotation of a configuration field makes of its command-line argument, as vLLM's own `get_kwargs` decides it."""

import ast

from .values import MISSING, Code, base_classes, default_of, evaluate

BUILTINS = {"int", "float", "str", "bool", "list", "tuple", "set", "dict", "None"}
WRAPPERS = {"Annotated", "SkipValidation", "Final", "ClassVar", "Required"}


class Hint:
    def __init__(self, kind, args=(), module=None, node=None):
        self.kind, self.args, self.module, self.node = kind, args, module, node


def hints_of(sources, module, node, depth=0):
    """The members of a union, aliases followed."""
    if depth > 20 or node is None:
        return [Hint("other")]
    again = lambda one, where=module: hints_of(sources, where, one, depth + 1)
    if isinstance(node, ast.Constant):
        if node.value is None:
            return [Hint("None")]
        return again(ast.parse(node.value, mode="eval").body) if isinstance(node.value, str) else [Hint("other")]
    if isinstance(node, ast.BinOp):
        return again(node.left) + again(node.right)
    if isinstance(node, ast.Subscript):
        return subscript(sources, module, node, again)
    if isinstance(node, ast.Name):
        return named(sources, module, node.id, again)
    return [Hint("other")]


def subscript(sources, module, node, again):
    name = getattr(node.value, "id", getattr(node.value, "attr", ""))
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Optional":
        return again(inner[0]) + [Hint("None")]
    if name == "Union":
        return [hint for one in inner for hint in again(one)]
    if name in WRAPPERS:
        return again(inner[0])
    if name == "Literal":
        return [Hint("literal", literal_values(sources, module, inner))]
    if name.lower() in ("list", "tuple", "set", "dict"):
        return [Hint(name.lower(), inner, module)]
    return [Hint("other")]


def named(sources, module, name, again):
    if name in BUILTINS:
        return [Hint(name)]
    found = sources.find(module, name)
    if not found or found[1] is None:
        return [Hint("other")]
    where, node = found
    if isinstance(node, ast.ClassDef):
        bases = {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
        if "dict" in bases:
            return [Hint("dict")]
        marks = {getattr(one.func if isinstance(one, ast.Call) else one, "id", "") for one in node.decorator_list}
        return [Hint("dataclass" if marks & {"config", "dataclass"} else "other", (), where, node)]
    value = getattr(node, "value", None)
    return again(value, where) if isinstance(value, ast.expr) else [Hint("other")]


def literal_values(sources, module, nodes):
    values = []
    for node in nodes:
        if isinstance(node, ast.Constant):
            values.append(node.value)
            continue
        inner = node.value if isinstance(node, ast.Starred) else node
        if isinstance(inner, ast.Call):
            inner = inner.args[0]
        for hint in hints_of(sources, module, inner):
            values += hint.args if hint.kind == "literal" else []
    return values


def sequence(sources, hint):
    element = hints_of(sources, hint.module, hint.args[0]) if hint.args else [Hint("str")]
    many = "+"
    if hint.kind == "tuple" and not any(getattr(one, "value", None) is Ellipsis for one in hint.args):
        many = len(hint.args)
    if len(element) == 1 and element[0].kind == "literal":
        return {"type": "str", "choices": sorted(element[0].args), "many": many}
    kind = element[0].kind if len(element) == 1 else "str"
    return {"type": kind if kind in ("int", "float", "str") else "str", "many": many}


def argument_of(sources, module, statement, name):
    """type, choices, many and default of one field."""
    hints = hints_of(sources, module, statement.annotation)
    by_kind = {hint.kind: hint for hint in hints}
    default = default_of(sources, module, statement)
    argument = {"default": default} if default is not MISSING else {}
    if "dataclass" in by_kind:
        argument["type"] = "json"
    elif set(by_kind) == {"bool", "str", "None"}:
        argument |= {"type": "str", "many": "?"}
    elif "bool" in by_kind:
        argument["type"] = "bool"
    elif "literal" in by_kind:
        values = sorted(set(by_kind["literal"].args))
        argument["type"] = "int" if isinstance(values[0], int) else "str"
        argument["suggested" if "str" in by_kind else "choices"] = values
    elif any(kind in by_kind for kind in ("tuple", "list", "set")):
        argument |= sequence(sources, next(by_kind[kind] for kind in ("tuple", "list", "set") if kind in by_kind))
    elif "int" in by_kind:
        argument["type"] = "int"
    elif "float" in by_kind:
        argument["type"] = "float"
    elif "dict" in by_kind and ("str" in by_kind or "other" in by_kind):
        argument["type"] = "str or json"
    elif "dict" in by_kind:
        argument["type"] = "json"
    else:
        argument["type"] = "str"
    if "None" in by_kind and "choices" in argument:
        argument["choices"] = argument["choices"] + ["None"]
    return argument


def fields_of(sources, module, node):
    """Field name -> (module, statement, docstring), bases first, as dataclasses order them."""
    fields = {}
    for owner, base in reversed(list(base_classes(sources, module, node))):
        fields |= fields_of(sources, owner, base)
    for at, one in enumerate(node.body):
        if not isinstance(one, ast.AnnAssign) or not isinstance(one.target, ast.Name):
            continue
        if ast.unparse(one.annotation).startswith(("ClassVar", "InitVar")):
            continue
        after = node.body[at + 1] if at + 1 < len(node.body) else None
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        fields[one.target.id] = (module, one, str(after.value.value) if is_text else "")
    return fields


def arguments_of(sources, module, node):
    """Field name -> its argument, as `get_kwargs(Class)` returns it."""
    return {
        name: argument_of(sources, where, one, name) | {"help": text}
        for name, (where, one, text) in fields_of(sources, module, node).items()
    }

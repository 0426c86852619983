"""Values of constant expressions; what only running the code would tell stays its own text."""

import ast
import operator

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Pow: operator.pow,
             ast.LShift: operator.lshift, ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv}
MISSING = object()


class Code:
    """An expression that was not evaluated."""

    def __init__(self, text):
        self.text = text


def unparse(node):
    return Code(ast.unparse(node))


def base_classes(sources, module, node):
    for base in node.bases:
        if isinstance(base, ast.Name):
            found = sources.find(module, base.id)
            if found and isinstance(found[1], ast.ClassDef):
                yield found


def field_of(sources, module, node, name):
    """(module, statement) of a class attribute, its bases included."""
    for one in node.body:
        if isinstance(one, ast.AnnAssign) and getattr(one.target, "id", None) == name:
            return module, one
        if isinstance(one, ast.Assign) and any(getattr(target, "id", None) == name for target in one.targets):
            return module, one
    for owner, base in base_classes(sources, module, node):
        found = field_of(sources, owner, base, name)
        if found:
            return found
    return None


def evaluate(sources, module, node):
    """Python value of the expression, or Code."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return [evaluate(sources, module, one) for one in node.elts]
    if isinstance(node, ast.Dict) and all(node.keys):
        return {str(evaluate(sources, module, k)): evaluate(sources, module, v) for k, v in zip(node.keys, node.values)}
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = evaluate(sources, module, node.operand)
        return -value if isinstance(value, (int, float)) else unparse(node)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        left, right = evaluate(sources, module, node.left), evaluate(sources, module, node.right)
        if isinstance(left, (int, float, str)) and isinstance(right, type(left)) or (
            isinstance(left, (int, float)) and isinstance(right, (int, float))
        ):
            return OPERATORS[type(node.op)](left, right)
        return unparse(node)
    if isinstance(node, ast.Name):
        found = sources.find(module, node.id)
        value = getattr(found[1], "value", None) if found else None
        return evaluate(sources, found[0], value) if isinstance(value, ast.expr) else unparse(node)
    if isinstance(node, ast.Attribute):
        return attribute(sources, module, node)
    if isinstance(node, ast.Call):
        return call(sources, module, node)
    return unparse(node)


def attribute(sources, module, node):
    if not isinstance(node.value, ast.Name):
        return unparse(node)
    found = sources.find(module, node.value.id)
    if not found or not isinstance(found[1], ast.ClassDef):
        return unparse(node)
    field = field_of(sources, *found, node.attr)
    return unparse(node) if field is None else default_of(sources, *field)


def call(sources, module, node):
    """The calls that hold a default: Field(…), field(…), get_field(Class, "name")."""
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    keywords = {one.arg: one.value for one in node.keywords}
    if name in ("Field", "field", "PydanticField"):
        if "default" in keywords:
            return evaluate(sources, module, keywords["default"])
        if name != "field" and node.args:
            return evaluate(sources, module, node.args[0])
        return from_factory(sources, module, keywords.get("default_factory"))
    if name == "get_field" and len(node.args) == 2:
        found = sources.find(module, node.args[0].id)
        field = field_of(sources, *found, node.args[1].value)
        return default_of(sources, *field)
    return unparse(node)


def from_factory(sources, module, node):
    if node is None:
        return MISSING
    if isinstance(node, ast.Name) and node.id in ("list", "dict", "set"):
        return {} if node.id == "dict" else []
    if isinstance(node, ast.Lambda):
        return evaluate(sources, module, node.body)
    return Code(f"{ast.unparse(node)}()")


def default_of(sources, module, statement):
    """Default of a class attribute; MISSING where it has none."""
    return MISSING if statement.value is None else evaluate(sources, module, statement.value)

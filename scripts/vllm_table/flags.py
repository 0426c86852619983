"""The flags of `vllm serve`: the statements of `make_arg_parser` walked one by one, each `add_argument` noted."""

import ast
import copy
import re

from .hints import arguments_of
from .values import MISSING, Code, default_of, evaluate, field_of

TYPES = {"int": "int", "float": "float", "str": "str", "json.loads": "json", "human_readable_int": "int",
         "human_readable_int_or_auto": "int"}
# Rows call argparse's nargs `many`.
ROW_KEYS = {"nargs": "many"}


class Walk:
    """One call of a function of vLLM that adds arguments to a parser."""

    def __init__(self, sources, flags):
        self.sources, self.flags, self.unread = sources, flags, []

    def run(self, module, function, owner=None):
        self._body(function.body, {"module": module, "owner": owner, "locals": {}})

    def _body(self, body, frame):
        for statement in body:
            self._statement(statement, frame)

    def _statement(self, node, frame):
        if isinstance(node, ast.If):
            known = self._test(node.test, frame)
            self._body(node.body if known is not False else node.orelse, frame)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self._call(node.value, frame)
        elif isinstance(node, ast.Assign):
            self._assign(node, frame)
        elif isinstance(node, ast.AugAssign):
            self._extend(node, frame)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                holder, key = self._place(target, frame)
                if isinstance(holder, dict):
                    holder.pop(ROW_KEYS.get(key, key), None)
        elif isinstance(node, ast.For):
            self._for(node, frame)

    def _test(self, node, frame):
        """Only `"key" in kwargs["name"]` is decided; everything else counts as true."""
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In):
            holder = self._value(node.comparators[0], frame)
            if isinstance(holder, dict) and isinstance(node.left, ast.Constant):
                return ROW_KEYS.get(node.left.value, node.left.value) in holder
        return None

    def _call(self, call, frame):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        if name == "add_argument":
            return self._add(call, frame, frame["locals"])
        if name in ("remove", "append") and isinstance(call.func, ast.Attribute):
            values = self._value(call.func.value, frame)
            value = evaluate(self.sources, frame["module"], call.args[0])
            if isinstance(values, list) and (name == "append" or value in values):
                getattr(values, name)(value)
        return None

    def _assign(self, node, frame):
        value = self._value(node.value, frame)
        for target in node.targets:
            if isinstance(target, ast.Name):
                frame["locals"][target.id] = value
            elif isinstance(target, ast.Subscript):
                holder, key = self._place(target, frame)
                if isinstance(holder, dict):
                    self._set(holder, key, node.value, frame)

    def _set(self, holder, key, node, frame):
        key = ROW_KEYS.get(key, key)
        if key == "type":
            self._set_type(holder, ast.unparse(node))
        elif key == "action":
            holder |= self._action(node)
        elif key in ("choices", "default", "many"):
            holder[key] = self._value(node, frame)

    def _extend(self, node, frame):
        values = self._value(node.target, frame)
        more = self._value(node.value, frame)
        if not isinstance(values, list):
            return
        if isinstance(more, list) and not any(isinstance(one, Code) for one in more):
            values += more
        else:
            # Combinations that only running would list: any value may be right.
            self._drop_choices(node.target, frame)

    def _drop_choices(self, node, frame):
        holder, key = self._place(node, frame)
        if isinstance(holder, dict) and key in holder:
            holder["suggested"] = holder.pop(key)

    def _for(self, node, frame):
        """`for key, value in kwargs.items(): group.add_argument(f"--{key…}", **value)`"""
        holder = self._value(node.iter.func.value, frame) if isinstance(node.iter, ast.Call) else None
        if not isinstance(holder, dict):
            self.unread.append(ast.unparse(node)[:120])
            return
        calls = [one for one in ast.walk(node) if isinstance(one, ast.Call) and getattr(one.func, "attr", "") == "add_argument"]
        for key, argument in holder.items():
            for call in calls:
                local = {node.target.elts[0].id: key, node.target.elts[1].id: argument}
                self._add(call, frame, frame["locals"] | local)

    def _place(self, node, frame):
        if not isinstance(node, ast.Subscript):
            return None, None
        return self._value(node.value, frame), evaluate(self.sources, frame["module"], node.slice)

    def _value(self, node, frame):
        if isinstance(node, ast.Name) and node.id in frame["locals"]:
            return frame["locals"][node.id]
        if isinstance(node, ast.Subscript):
            holder, key = self._place(node, frame)
            if isinstance(holder, dict) and key in holder:
                return holder[key]
        if isinstance(node, ast.Dict):
            return self._merged(node, frame)
        if isinstance(node, ast.Call):
            return self._call_value(node, frame)
        return evaluate(self.sources, frame["module"], node)

    def _merged(self, node, frame):
        merged = {}
        for key, value in zip(node.keys, node.values):
            if key is None:
                inner = self._value(value, frame)
                merged |= inner if isinstance(inner, dict) else {}
            else:
                self._set(merged, key.value, value, frame)
        return merged

    def _call_value(self, node, frame):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name == "get_kwargs":
            owner = self._class(node.args[0], frame)
            return copy.deepcopy(arguments_of(self.sources, *owner))
        if name == "_customize_cli_kwargs":
            return self._customise(node, frame)
        if name == "add_cli_args":
            return self._nested(node, frame)
        if name == "get_args":
            from .hints import hints_of
            hints = hints_of(self.sources, frame["module"], node.args[0])
            return [value for hint in hints if hint.kind == "literal" for value in hint.args]
        return evaluate(self.sources, frame["module"], node)

    def _class(self, node, frame):
        if isinstance(node, ast.Name) and node.id == "cls":
            return frame["owner"]
        return self.sources.find(frame["module"], node.id)

    def _customise(self, node, frame):
        """`cls._customize_cli_kwargs(kwargs)`, or the same of `super()`."""
        kwargs = self._value(node.args[0], frame)
        is_super = isinstance(node.func.value, ast.Call)
        found = method_of(self.sources, *frame["owner"], node.func.attr, after=frame.get("defined_in") if is_super else None)
        if found:
            where, definer, function = found
            inner = {"module": where, "owner": frame["owner"], "defined_in": definer.name, "locals": {"frontend_kwargs": kwargs}}
            self._body(function.body, inner)
        return kwargs

    def _nested(self, node, frame):
        owner = self._class(node.func.value, frame)
        found = method_of(self.sources, *owner, "add_cli_args")
        where, definer, function = found
        self._body(function.body, {"module": where, "owner": owner, "defined_in": definer.name, "locals": {}})
        return None

    def _set_type(self, holder, text):
        if text.startswith("lambda") and ".lower()" in text:
            # `s.lower().replace("-", "_")`: the choices stay, written in any case and with dashes.
            holder["folds"] = True
            return
        if text.startswith("optional_type("):
            text = text[len("optional_type("):-1]
        holder["type"] = TYPES.get(text, "str")

    def _action(self, node):
        text = ast.unparse(node)
        if text.endswith("BooleanOptionalAction"):
            return {"type": "bool"}
        if text in ("'store_true'", "'store_false'"):
            return {"type": "switch", "default": text == "'store_false'"}
        return {"repeats": True} if text == "'append'" else {}

    def _add(self, call, frame, names):
        inner = frame | {"locals": names}
        argument, options = {}, []
        for node in call.args:
            option = self._option(node, names)
            if option is not None:
                options.append(option)
        for keyword in call.keywords:
            if keyword.arg is None:
                value = self._value(keyword.value, inner)
                if not isinstance(value, dict):
                    self.unread.append(ast.unparse(call)[:120])
                    continue
                argument |= value
            elif keyword.arg == "help":
                argument["help"] = str(evaluate(self.sources, frame["module"], keyword.value))
            elif keyword.arg == "deprecated":
                argument["deprecated"] = True
            else:
                self._set(argument, keyword.arg, keyword.value, inner)
        longs = [one for one in options if one.startswith("--")]
        if longs:
            self.flags[longs[0]] = finish(argument, [one for one in options if one != longs[0]])

    def _option(self, node, names):
        if isinstance(node, ast.Constant):
            return node.value if node.value.startswith("-") else None
        if isinstance(node, ast.JoinedStr):
            key = next((names[name.id] for name in ast.walk(node) if isinstance(name, ast.Name) and name.id in names), None)
            return None if key is None else f"--{key.replace('_', '-')}"
        return None


def method_of(sources, module, node, name, after=None):
    """(module, class, function) along the bases; with `after`, the next one past the class of that name."""
    from .values import base_classes
    chain = [(module, node)]
    for owner in chain:
        chain += list(base_classes(sources, *owner))
    if after is not None:
        at = next(index for index, (_, one) in enumerate(chain) if one.name == after)
        chain = chain[at + 1:]
    for where, one in chain:
        for item in one.body:
            if isinstance(item, ast.FunctionDef) and item.name == name:
                return where, one, item
    return None


def plain(value):
    if isinstance(value, Code):
        return {"code": value.text} if len(value.text) <= 80 else {"code": "…"}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return value


def finish(argument, aliases):
    """The argument as the table keeps it: help is read for a deprecation, not kept."""
    text = " ".join(str(argument.get("help", "")).split())
    flag = {"type": argument.get("type", "str")}
    if aliases:
        flag["aliases"] = aliases
    for key in ("many", "repeats", "folds", "choices", "suggested"):
        # Choices that only running would tell are none: any value may be right.
        if argument.get(key) and not isinstance(argument[key], Code):
            flag[key] = plain(argument[key])
    if argument.get("default") is not None and argument.get("default") is not MISSING:
        flag["default"] = plain(argument["default"])
    sentence = next((one for one in text.split(". ") if re.search(r"\bdeprecated\b", one, re.I)), "")
    is_own = re.search(r"(?:is|are|been|option|flag|argument) (?:now )?deprecated|^\W*deprecated\b|\[DEPRECATED\]", sentence, re.I)
    if argument.get("deprecated") or is_own:
        flag["state"] = "no effect" if "no effect" in sentence else "deprecated"
    return flag


def serve_flags(sources):
    """(flags, statements that could not be read)"""
    found = sources.find("vllm.entrypoints.cli.serve", "make_arg_parser")
    flags = {}
    walk = Walk(sources, flags)
    walk.run(*found)
    return flags, walk.unread

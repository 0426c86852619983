"""Everything of a release beside its flags: variables, parsers, kernels, architectures, what it was built for."""

import ast
import re

from .values import Code, evaluate, field_of

REGISTRIES = re.compile(r"^_[A-Z_]+_MODELS$")
NOT_SUPPORTED = {"_PREVIOUSLY_SUPPORTED_MODELS", "_OOT_SUPPORTED_MODELS", "_VLLM_MODELS"}


def keys_of(node):
    if not isinstance(node, ast.Dict):
        return []
    return [key.value for key in node.keys if isinstance(key, ast.Constant)]


def variables(sources):
    """Name -> {} or {"deprecated": release that drops it}, of envs.py; with the default where it is a constant."""
    table = sources.scope("vllm.envs")["environment_variables"].value
    found = {}
    for key, value in zip(table.keys, table.values):
        row = {}
        if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "deprecated_env":
            gone = next((one.value for one in value.args[1:2] if isinstance(one, ast.Constant)), None)
            gone = gone or next((k.value.value for k in value.keywords if k.arg == "removal_version"), "?")
            row["deprecated"] = gone
        found[key.value] = row
    return found


def checks_variables(sources):
    """Whether an unknown VLLM_ variable is told in the log."""
    for module in ("vllm.envs", "vllm.platforms.interface", "vllm.utils.system_utils"):
        if sources.has(module) and "Unknown vLLM environment variable" in ast.unparse(sources.tree(module)):
            return True
    return False


def parsers(sources, module, pattern):
    names = [name for name in sources.scope(module) if re.match(pattern, name)]
    return sorted({key for name in names for key in keys_of(sources.scope(module)[name].value)})


def enum_values(sources, module, name):
    if not sources.has(module):
        return []
    found = sources.scope(module).get(name)
    if not isinstance(found, ast.ClassDef):
        return []
    return sorted(one.value.value for one in found.body if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant))


def architectures(sources):
    scope = sources.scope("vllm.model_executor.models.registry")
    names = [name for name in scope if REGISTRIES.match(name) and name not in NOT_SUPPORTED]
    return sorted({key for name in names for key in keys_of(getattr(scope[name], "value", None))})


def built_for(metadata):
    """torch and Python as the wheel's metadata ask for them."""
    header = metadata.split("\n\n")[0]
    python = re.search(r"^Requires-Python: (.+)$", header, re.M)
    torch = re.search(r"^Requires-Dist: torch\s*==\s*([\d.]+)", header, re.M)
    return {"python": python.group(1).strip() if python else None, "torch": torch.group(1) if torch else None}

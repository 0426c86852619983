"""vLLM general plugin that every build of stepctl carries: the engine's own processes say what they run.

Changes no file of vLLM and nothing of what it computes. It looks, and writes one line to standard error where vLLM
loads plugins (API server, engine core, every worker) and one more where a model was loaded:

    @@stepctl-proof {"nonce": ..., "kind": "process" | "model", "role": "api" | "core" | "worker", ...}

stepctl compares these lines with the proof of the build and with its lock. Expected hashes are not in here: a process
reports what it sees. Without STEPCTL_PROOF in the environment it does nothing; a failure of its own is reported in the
line or swallowed, never raised into vLLM.
"""

import hashlib
import importlib.util
import json
import multiprocessing
import os
import re
import sys
import types

# What to report, filled in when the build is made: {"patches": [{"id", "files", "probe"}]}.
ASK = {"patches": []}

MARK = "@@stepctl-proof "
# One write below PIPE_BUF is never torn apart by other processes on the same pipe.
MAX_LINE = 4000
MAX_TEXT = 160
# Scales of a quantised KV cache have defaults: no checkpoint has to fill them.
DEFAULTED = re.compile(r"\.(attn\.|[kvq]_scale$|prob_scale$)")

_registered = False


def _short(error):
    return (type(error).__name__ + ": " + str(error))[:MAX_TEXT]


# --- who speaks ------------------------------------------------------------------------------------------------


def _role():
    """Role and rank by the names that vLLM gives its processes."""
    name = multiprocessing.current_process().name
    if name.startswith("EngineCore"):
        return "core", None
    found = re.match(r"(?:VllmWorker|Worker)\D*(\d*)", name)
    if found:
        return "worker", int(found.group(1) or 0)
    return "api", None


def _rank():
    """Rank among the workers; 0 where there is but one process."""
    try:
        from vllm.distributed import get_world_group

        return int(get_world_group().rank)
    except Exception:
        return _role()[1] or 0


def _write(line):
    os.write(2, ("\n" + line + "\n").encode())


def _say(kind, **facts):
    role, rank = _role()
    head = {"nonce": os.environ["STEPCTL_PROOF"], "kind": kind, "role": role, "pid": os.getpid()}
    head["rank"] = facts.pop("rank", rank)
    line = _render(head, facts)
    if line is not None:
        return _write(line)
    # Too much to say at once: each fact gets a line of its own, and the last one closes the report.
    for name, value in facts.items():
        error = {"error": name + " does not fit into a line"}
        _write(_render({**head, "isPart": True}, {name: value}) or _render({**head, "isPart": True}, error))
    _write(_render(head, {}))


def _render(head, facts):
    line = MARK + json.dumps({**head, **facts}, separators=(",", ":"))
    return line if len(line) <= MAX_LINE else None  # json.dumps writes ASCII only


# --- files and code --------------------------------------------------------------------------------------------


def _shape(code):
    """A code object as plain values: what it does, without where it lies and without run-time specialisation."""
    consts = tuple(_shape(c) if isinstance(c, types.CodeType) else (type(c).__name__, repr(c)) for c in code.co_consts)
    return code.co_name, code.co_code, code.co_names, code.co_varnames, code.co_freevars, consts


def _shapes(code, found):
    found.add(_shape(code))
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            _shapes(const, found)
    return found


def _functions(module):
    """Plain functions of a module and of its classes, decorators taken off."""
    for owner in [module, *(v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__)]:
        for name, value in list(vars(owner).items()):
            value = getattr(value, "__func__", getattr(value, "fget", value))
            for _ in range(8):
                if not hasattr(value, "__wrapped__"):
                    break
                value = value.__wrapped__
            if isinstance(value, types.FunctionType):
                yield (name if owner is module else owner.__name__ + "." + name), value


def _code_of(module, path, source):
    """True when every function in memory that claims to come from this file is what the file says now."""
    wanted = _shapes(compile(source, path, "exec", dont_inherit=True), set())
    for name, function in _functions(module):
        code = function.__code__
        if os.path.realpath(code.co_filename) == os.path.realpath(path) and _shape(code) not in wanted:
            return name + " in memory is not what the file says"
    return True


def _look_at(path):
    """One file of vLLM as this process has it: hash of the source, and whether the loaded code is of that source."""
    name = path[: -len(".py")].replace("/", ".")
    name = name[: -len(".__init__")] if name.endswith(".__init__") else name
    try:
        module = sys.modules.get(name)
        spec = module.__spec__ if module is not None else importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            return {"path": path, "sha256": None, "code": "there is no module " + name}
        with open(spec.origin, "rb") as file:
            source = file.read()
        code = "not loaded" if module is None else _code_of(module, spec.origin, source)
        return {"path": path, "sha256": hashlib.sha256(source).hexdigest(), "code": code}
    except Exception as error:
        return {"path": path, "sha256": None, "code": _short(error)}


def _modules():
    return [_look_at(path) for path in sorted({path for patch in ASK["patches"] for path in patch["files"]})]


def _answers():
    """What the patched classes of this process answer, by patch."""
    found = {}
    for patch in ASK["patches"]:
        if patch["probe"] is None:
            continue
        answers = found.setdefault(patch["id"], {})
        try:
            scope = {"__name__": "stepctl_probe"}
            exec(compile(patch["probe"], "probe.py", "exec"), scope)
            checks = scope["probe"]()
        except Exception as error:
            answers["probe"] = _short(error)
            continue
        for name, check in checks.items():
            try:
                answer = check()
            except Exception as error:
                answer = _short(error)
            answers[name] = answer if answer is True else ("no" if answer is False else str(answer)[:MAX_TEXT])
    return found


# --- the model that was loaded ---------------------------------------------------------------------------------


def _ranges(numbers):
    """[3, 4, 5, 9] as "3-5,9"."""
    runs = []
    for number in sorted(set(numbers)):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else "%d-%d" % (first, last) for first, last in runs)


def _backend_of(method):
    """The kernel that a quantisation method chose, in vLLM's own words; else the class that computes."""
    for name in ("nvfp4_backend", "fp8_backend", "mxfp4_backend", "unquantized_backend"):
        backend = getattr(method, name, None)
        if backend is not None:
            return str(getattr(backend, "value", backend))
    chosen = getattr(method, "experts_cls", None)
    return type(method).__name__ if chosen is None else getattr(chosen, "__name__", str(chosen))


def _plain(value):
    return None if value is None else str(getattr(value, "value", value))


def _moe_layers(model):
    """Backend and activation of every MoE layer, layers of the same kind together."""
    kinds = {}
    for name, module in model.named_modules():
        method = getattr(module, "quant_method", None)
        if method is None or "moe" not in type(method).__name__.lower():
            continue
        activation = getattr(module, "activation", None) or getattr(getattr(method, "moe", None), "activation", None)
        number = re.search(r"(?:^|\.)layers\.(\d+)\.", name)
        kind = (type(method).__name__, _backend_of(method), _plain(activation))
        kinds.setdefault(kind, []).append(int(number.group(1)) if number else -1)
    return [
        {"method": method, "backend": backend, "activation": activation, "layers": _ranges(numbers)}
        for (method, backend, activation), numbers in kinds.items()
    ]


class _Loading:
    """Remembers which parameters the checkpoint's tensors filled, as the model's own loader counts them."""

    def __init__(self, model):
        self.filled = None
        self._model = model
        original = model.load_weights

        def load_weights(*args, **named):
            loaded = original(*args, **named)
            if loaded is not None:
                self.filled = (self.filled or set()) | set(loaded)
            return loaded

        # On the instance only: the class stays as it is.
        object.__setattr__(model, "load_weights", load_weights)

    def finish(self):
        vars(self._model).pop("load_weights", None)
        if self.filled is None:
            return None
        known = {name for name, _ in self._model.named_parameters() if not DEFAULTED.search(name)}
        missing = sorted(known - self.filled)
        return {"parameters": len(known), "unfilled": len(missing), "names": [name[:100] for name in missing[:8]]}


def _watch_loader(module):
    """Follows a model from its creation to its processed weights; both functions are vLLM's own and keep their results."""
    initialize, process = module.initialize_model, module.process_weights_after_loading
    loadings = {}

    def initialize_model(*args, **named):
        model = initialize(*args, **named)
        try:
            loadings[id(model)] = _Loading(model)
        except Exception:
            pass
        return model

    def process_weights_after_loading(model, *args, **named):
        weights, failure = None, None
        try:
            loading = loadings.pop(id(model), None)
            weights = loading.finish() if loading is not None else None
        except Exception as error:
            failure = _short(error)
        result = process(model, *args, **named)
        try:
            _say(
                "model",
                rank=_rank(),
                model=type(model).__name__,
                modules=_modules(),
                patches=_answers_on_cpu(),
                moe=_moe_layers(model),
                weights=weights,
                **({} if failure is None else {"error": failure}),
            )
        except Exception as error:
            _say_failure("model", error)
        return result

    module.initialize_model = initialize_model
    module.process_weights_after_loading = process_weights_after_loading


def _answers_on_cpu():
    """Probes make small tensors: not on the GPU, and not in the type of the model that is being loaded."""
    import torch

    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float32)
        with torch.device("cpu"):
            return _answers()
    finally:
        torch.set_default_dtype(before)


def _say_failure(kind, error):
    try:
        _say(kind, error=_short(error))
    except Exception:
        pass


def _is_passing_by():
    """vLLM inspects model classes in a short-lived process of its own, which loads plugins too."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return getattr(spec, "name", "") == "vllm.model_executor.models.registry"


def register():
    """Entry point, called by vLLM in the API server, in the engine core and in every worker."""
    global _registered
    if _registered or not os.environ.get("STEPCTL_PROOF") or _is_passing_by():
        return
    _registered = True
    try:
        answers = _answers_on_cpu()
        _say("process", modules=_modules(), patches=answers)
    except Exception as error:
        _say_failure("process", error)
    try:
        import vllm.model_executor.model_loader.base_loader as base_loader

        _watch_loader(base_loader)
    except Exception as error:
        _say_failure("process", error)

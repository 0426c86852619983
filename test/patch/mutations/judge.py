"""Says of every file that a tool gave back whether it is the right one: it compiles, the changed functions do what they
must when they are run on stand-ins, and nothing else of the source is another than before.

Reads one JSON document on standard input, writes one on standard output; a whole corpus is one process.
"""

import ast
import builtins
import json
import sys

ACTIVATIONS = ["silu", "gelu", "swigluoai", "silu_no_mul", "gelu_no_mul", "relu2_no_mul", "swiglustep", "tanh"]
MISSING = object()


class Wrong(Exception):
    pass


def must(holds, reason):
    if not holds:
        raise Wrong(reason)


class Anything:
    """Stands for whatever the function needs: every attribute, every call, remembered."""

    def __init__(self, **known):
        self.__dict__["calls"] = []
        self.__dict__.update(known)

    def __getattr__(self, name):
        value = Anything()
        self.__dict__[name] = value
        return value

    def __call__(self, *args, **kwargs):
        self.calls.append((args, kwargs))
        return self.__dict__.get("answer")


class ModuleNames(dict):
    """Names the module binds get a stand-in; a name that it does not bind is a NameError, as in the real module."""

    def __init__(self, tree, known, renames):
        super().__init__(__builtins__=builtins)
        self.bound, self.known, self.renames = set(), known, renames
        for node in tree.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
            elif isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                self.bound.add(node.name)
            elif isinstance(node, ast.Assign):
                self.bound |= {target.id for target in node.targets if isinstance(target, ast.Name)}
                try:
                    exec(compile(ast.Module([node], []), "constant", "exec"), {"__builtins__": builtins}, self)
                except Exception:
                    pass

    def __missing__(self, name):
        if name not in self.bound:
            raise KeyError(name)
        return self.known.get(self.renames.get(name, name), Anything())


def classes(tree, name):
    return [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]


def methods(owner, name):
    return [node for node in owner.body if isinstance(node, ast.FunctionDef) and node.name == name]


def method(tree, owner, name):
    """What Python would call: the last definition counts."""
    found = classes(tree, owner)
    must(found, f"class {owner} is gone")
    found = methods(found[-1], name)
    must(found, f"{owner}.{name} is gone")
    return found[-1]


def load(tree, function, known, renames):
    bare = ast.parse(ast.unparse(function)).body[0]
    bare.decorator_list, bare.returns = [], None
    for argument in bare.args.args + bare.args.kwonlyargs:
        argument.annotation = None
    names = ModuleNames(tree, known, renames)
    space = {}
    exec(compile(ast.Module([bare], []), "function", "exec"), names, space)
    return space[bare.name]


def accepted(tree, owner, renames):
    try:
        function = load(tree, method(tree, owner, "_supports_activation"), {}, renames)
        return {name for name in ACTIVATIONS if function(name)}
    except Exception as error:
        return {type(error).__name__}


def judge_allow_list(owner, neighbours):
    def judge(before, after, case):
        name = case["names"].get(owner, owner)
        function = method(after, name, "_supports_activation")
        times = [n.value for n in ast.walk(function) if isinstance(n, ast.Constant)].count("swiglustep")
        must(times == 1, f"{name} names swiglustep {times} times")
        old = accepted(before, name, case["renames"])
        new = accepted(after, name, case["renames"])
        must(new == old | {"swiglustep"}, f"{name} accepts {sorted(new)}")
        for other in neighbours:
            same = accepted(before, other, case["renames"]) == accepted(after, other, case["renames"])
            must(same, f"{other} accepts another list than before")

    def undo(tree, case):
        for found in classes(tree, case["names"].get(owner, owner)):
            for function in methods(found, "_supports_activation"):
                for node in ast.walk(function):
                    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
                        node.elts = [e for e in node.elts if not (isinstance(e, ast.Constant) and e.value == "swiglustep")]

    return judge, undo


METHOD = "CompressedTensorsW4A4Nvfp4MoEMethod"


def is_silu_assertion(node):
    return isinstance(node, ast.Assert) and ast.unparse(node.test) == "layer.activation == 'silu'"


def run_apply(tree, owner, backend, activation, renames):
    backends = Anything(FLASHINFER_TRTLLM="trtllm", VLLM_CUTLASS="cutlass")
    routed = Anything()
    known = {"NvFp4MoeBackend": backends, "flashinfer_trtllm_fp4_routed_moe": routed}
    function = method(tree, owner, "apply")
    kernel = Anything()
    this = Anything(nvfp4_backend=backend, is_monolithic=False, moe_mk=kernel, kernel=kernel)
    values = [Anything() for _ in function.args.args[2:]]
    load(tree, function, known, renames)(this, Anything(activation=activation), *values)
    return [options.get("activation") for _, options in kernel.calls + routed.calls]


def judge_assertion(before, after, case):
    owner, renames = case["names"].get(METHOD, METHOD), case["renames"]
    times = sum(is_silu_assertion(node) for node in ast.walk(method(after, owner, "apply")))
    must(times == 1, f"apply asserts SiLU {times} times")
    try:
        asked = run_apply(after, owner, "cutlass", "swiglustep", renames)
    except AssertionError:
        raise Wrong("the modular kernel is refused swiglustep") from None
    must(asked == ["swiglustep"], f"the modular kernel is asked for {asked}")
    must(run_apply(after, owner, "trtllm", "silu", renames) == ["silu"], "TRTLLM does not run SiLU")
    try:
        run_apply(after, owner, "trtllm", "swiglustep", renames)
    except AssertionError:
        return
    raise Wrong("TRTLLM takes swiglustep")


def undo_assertion(tree, case):
    for found in classes(tree, case["names"].get(METHOD, METHOD)):
        for function in methods(found, "apply"):
            strip(function, is_silu_assertion)


def strip(tree, unwanted):
    for node in ast.walk(tree):
        for field in ("body", "orelse"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                setattr(node, field, [one for one in block if not unwanted(one)])


EXPERTS = 3
PARTS = {"gate_proj": ("w13", "w1"), "up_proj": ("w13", "w3"), "down_proj": ("w2", "w2")}
KINDS = ("weight_packed", "weight_global_scale")


class Tensor:
    def __init__(self, tag, shape):
        self.tag, self.shape, self.ndim = tag, shape, len(shape)

    def reshape(self, *shape):
        return Tensor(self.tag, shape)

    def expand(self, *shape):
        return Tensor(self.tag, shape)

    def __getitem__(self, index):
        must(self.shape and index < self.shape[0], "an expert beyond the tensor")
        return Tensor(self.tag, self.shape[1:])


def mapping(_model, ckpt_gate_proj_name, ckpt_down_proj_name, ckpt_up_proj_name, num_experts):
    parts = [(ckpt_gate_proj_name, "w13", "w1"), (ckpt_down_proj_name, "w2", "w2"), (ckpt_up_proj_name, "w13", "w3")]
    return [
        (f"experts.{weight}_", f"experts.{expert}.{part}.", expert, shard)
        for expert in range(num_experts)
        for part, weight, shard in parts
    ]


def run_load(tree, owner, renames):
    placed, expected, tensors = [], [], []

    def parameter(name):
        def place(_param, loaded, target=None, shard_id=None, expert_id=None, return_success=False):
            shard = target if expert_id is None else shard_id
            placed.append((loaded.tag, name, shard, expert_id))
            return True

        return Anything(weight_loader=place)

    def add(name, shape, *places):
        tag = len(tensors)
        tensors.append((name, Tensor(tag, shape)))
        expected.extend((tag, *place) for place in places)

    layer = "layers.1.moe"
    names = [f"{layer}.experts.{weight}_{kind}" for weight in ("w13", "w2") for kind in KINDS]
    names += ["layers.0.mlp.gate_up_proj.weight", "norm.weight"]
    for part, (weight, shard) in PARTS.items():
        for kind in KINDS:
            target = f"{layer}.experts.{weight}_{kind}"
            for expert in range(EXPERTS):
                add(f"model.{layer}.experts.{expert}.{part}.{kind}", (8, 8), (target, shard, expert))
            everywhere = [(target, shard, expert) for expert in range(EXPERTS)]
            for shape in [(EXPERTS, 8), ()] if kind.endswith("scale") else [(EXPERTS, 8)]:
                add(f"model.{layer}.{part}.{kind}", shape, *everywhere)
    add("model.layers.0.mlp.up_proj.weight", (8, 8), ("layers.0.mlp.gate_up_proj.weight", 1, None))
    add("model.norm.weight", (8,), ("norm.weight", None, None))
    parameters = {name: parameter(name) for name in names}
    known = {
        "FusedMoE": Anything(make_expert_params_mapping=mapping),
        "is_pp_missing_parameter": lambda _name, _model: False,
        "get_spec_layer_idx_from_weight_name": lambda _config, _name: None,
    }
    config = Anything(num_attention_groups=2, num_hidden_layers=4)
    model = Anything(moe_num_experts=EXPERTS, config=config, named_parameters=lambda: iter(parameters.items()))
    loaded = load(tree, method(tree, owner, "load_weights"), known, renames)(model, iter(tensors))
    must(placed == expected, f"{len(set(placed) & set(expected))} of {len(expected)} tensors reach their place")
    must(loaded == set(names), "load_weights does not report what it loaded")


def is_expert_branch(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "'.moe.experts.' in local_name"


def is_gate(node):
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "self.g_proj"


def judge_model(_before, after, case):
    gates = [node for node in ast.walk(method(after, "Step3p5Attention", "__init__")) if is_gate(node)]
    must(gates, "no g_proj is built")
    for gate in gates:
        given = [ast.unparse(one.value) for one in gate.value.keywords if one.arg == "quant_config"]
        must(given == ["quant_config"], f"g_proj gets quant_config {given}")
    owner = case["names"].get("Step3p5Model", "Step3p5Model")
    text = ast.unparse(method(after, owner, "load_weights"))
    for part in ("if '.moe.experts.' in local_name", ".make_expert_params_mapping(", ".expand(moe_expert_num"):
        must(text.count(part) == 1, f"load_weights holds {part} {text.count(part)} times")
    run_load(after, owner, case["renames"])


def undo_model(tree, case):
    def inserted(node):
        text = ast.unparse(node) if isinstance(node, (ast.If, ast.Assign)) else ""
        if isinstance(node, ast.Assign):
            return ".make_expert_params_mapping(" in text
        return is_expert_branch(node) or text.startswith(
            ("if loaded_weight.ndim == 0:", "if loaded_weight.shape[0] == 1 and")
        )

    for found in tree.body:
        if not isinstance(found, ast.ClassDef):
            continue
        for node in ast.walk(found):
            if is_gate(node) and isinstance(node.value, ast.Call):
                node.value.keywords = [one for one in node.value.keywords if one.arg != "quant_config"]
        for function in methods(found, "load_weights"):
            strip(function, inserted)


JUDGES = {
    "cutlass": judge_allow_list("CutlassExpertsFp4", ["CutlassExpertsFp8Base", "CutlassExpertsW4A8Fp8"]),
    "marlin": judge_allow_list("MarlinExpertsBase", []),
    "tensors": (judge_assertion, undo_assertion),
    "model": (judge_model, undo_model),
}


def rest_is_same(before_text, after_text, case, undo):
    """Outside the change, statement by statement of the module; those whose text is the same need no look inside."""
    sides = []
    for text in (before_text, after_text):
        lines = text.split("\n")
        tree = ast.parse(text)
        sides.append([("\n".join(lines[node.lineno - 1 : node.end_lineno]), node) for node in tree.body])
    must(len(sides[0]) == len(sides[1]), "another number of statements in the module")
    for (old_text, old), (new_text, new) in zip(*sides):
        if old_text == new_text:
            continue
        for node in (old, new):
            undo(ast.Module([node], []), case)
        must(ast.dump(old) == ast.dump(new), f"line {new.lineno}: more than the change is another")


def verdict(case, text):
    judge, undo = JUDGES[case["key"]]
    try:
        after = ast.parse(text)
        compile(after, "result", "exec")
        judge(ast.parse(case["source"]), after, case)
        rest_is_same(case["source"], text, case, undo)
    except Wrong as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def is_python(text):
    try:
        compile(text, "source", "exec")
        return True
    except SyntaxError:
        return False


def answer(case):
    seen = {}
    for text in case["results"].values():
        if text not in seen:
            seen[text] = verdict(case, text)
    wrong = {tool: seen[text] for tool, text in case["results"].items()}
    return {"id": case["id"], "compiles": is_python(case["source"]), "wrong": wrong}


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)

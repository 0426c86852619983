"""Asks the installed vLLM itself whether it can serve an NVFP4 checkpoint with swiglustep layers.

No GPU and no model is needed: predicates are called, the loader is run on a stand-in model. Each answer is True or a
sentence saying what was seen instead.
"""

import ast
import importlib
import inspect
import textwrap
from types import SimpleNamespace


def first_module(*names):
    """The first of these modules that exists: vLLM moves them between releases."""
    for name in names:
        try:
            return importlib.import_module("vllm.model_executor." + name)
        except ModuleNotFoundError:
            continue
    raise ModuleNotFoundError("none of " + ", ".join(names))


def swiglustep():
    """The activation as this release writes it: an enum member from 0.17.0 on, a plain string before."""
    try:
        module = importlib.import_module("vllm.model_executor.layers.fused_moe.activation")
        return module.MoEActivation.SWIGLUSTEP
    except (ModuleNotFoundError, AttributeError):
        return "swiglustep"


def cutlass_accepts_swiglustep():
    module = first_module("layers.fused_moe.cutlass_moe", "layers.fused_moe.experts.cutlass_moe")
    return bool(module.CutlassExpertsFp4._supports_activation(swiglustep()))


def marlin_accepts_swiglustep():
    module = first_module("layers.fused_moe.fused_marlin_moe", "layers.fused_moe.experts.marlin_moe")
    return bool(module.MarlinExperts._supports_activation(swiglustep()))


def quantised_layer_runs_swiglustep():
    """Calls the real apply() with a kernel that only records what it is asked for."""
    package = "layers.quantization.compressed_tensors.compressed_tensors_moe"
    module = first_module(package + ".compressed_tensors_moe_w4a4_nvfp4", package)
    method_class = module.CompressedTensorsW4A4Nvfp4MoEMethod
    asked = []

    class Kernel:
        def __call__(self, *_args, activation=None, **_kwargs):
            asked.append(activation)

        apply = __call__

    class Anything(SimpleNamespace):
        def __getattr__(self, _name):
            return None

    method = method_class.__new__(method_class)
    method.__dict__["nvfp4_backend"] = getattr(module, "NvFp4MoeBackend", Anything()).VLLM_CUTLASS
    method.__dict__["moe"] = Anything(moe_parallel_config=Anything(enable_eplb=False))
    for name in ("kernel", "moe_mk", "moe_kernel"):
        method.__dict__[name] = Kernel()
    layer = Anything(activation=swiglustep())
    values = {name: None for name in inspect.signature(method_class.apply).parameters if name != "self"}
    values["layer"] = layer
    method_class.apply(method, **values)
    return asked == [swiglustep()] or f"the kernel was asked for {asked}"


def gate_projection_is_quantised():
    """g_proj needs the quantisation config, or its tensors are dropped without an error."""
    module = importlib.import_module("vllm.model_executor.models.step3p5")
    tree = ast.parse(textwrap.dedent(inspect.getsource(module.Step3p5Attention)))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        if any(isinstance(target, ast.Attribute) and target.attr == "g_proj" for target in node.targets):
            return "quant_config" in [keyword.arg for keyword in node.value.keywords]
    return "Step3p5Attention builds no g_proj"


def single_experts_are_loaded():
    """Runs the real load_weights() on a stand-in model and looks at which tensor went where."""
    import torch

    module = importlib.import_module("vllm.model_executor.models.step3p5")
    expert_count = 12
    parts = {"gate_proj": ("w13", "w1"), "up_proj": ("w13", "w3"), "down_proj": ("w2", "w2")}
    kinds = ("weight_packed", "weight_scale", "weight_global_scale", "input_global_scale")
    placed = []

    class Parameter(torch.nn.Parameter):
        def weight_loader(self, _param, loaded, name, shard_id=None, expert_id=None, **_options):
            placed.append((int(loaded.reshape(-1)[0]), name.rsplit("experts.", 1)[1].split(".")[-1], shard_id, expert_id))
            return True

    # The second prefix is where releases from about 0.30 on keep the routed experts.
    names = [
        f"layers.1.moe.experts.{prefix}{weight}_{kind}"
        for prefix in ("", "routed_experts.")
        for weight in ("w13", "w2")
        for kind in kinds
    ]
    parameters = {name: Parameter(torch.zeros(1), requires_grad=False) for name in names}

    class StandIn(torch.nn.Module):
        def named_parameters(self, *_args, **_kwargs):
            return iter(parameters.items())

    model = StandIn()
    model.moe_num_experts = expert_count
    model.config = SimpleNamespace(num_attention_groups=2, num_hidden_layers=4, num_nextn_predict_layers=0)
    tensors, expected = [], []
    for expert in range(expert_count):
        for part, (weight, shard) in parts.items():
            for kind in kinds:
                tag = len(tensors)
                tensors.append((f"model.layers.1.moe.experts.{expert}.{part}.{kind}", torch.tensor([float(tag)])))
                expected.append((tag, f"{weight}_{kind}", shard, expert))
    module.Step3p5Model.load_weights(model, iter(tensors))
    if placed == expected:
        return True
    return f"{len(set(placed) & set(expected))} of {len(expected)} expert tensors reach their place"


def probe():
    return {
        check.__name__: check
        for check in (
            cutlass_accepts_swiglustep,
            marlin_accepts_swiglustep,
            quantised_layer_runs_swiglustep,
            gate_projection_is_quantised,
            single_experts_are_loaded,
        )
    }

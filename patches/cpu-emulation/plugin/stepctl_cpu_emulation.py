"""vLLM general plugin for tests: lets vLLM's CPU build run what it has no kernels for.

Inert unless the platform is CPU. Changes no file of vLLM; every change is made in memory when vLLM imports
the module in question, so a release that lacks the module is simply left alone.

What is replaced are kernels and nothing else. Which expert classes exist, which activations they accept,
which backend is chosen, how weights are loaded and which `apply` runs are vLLM's own code: a patch that is
missing there refuses or goes wrong here as it does on a GPU.
"""

import importlib.abc
import importlib.util
import mmap
import os
import sys

PREFIX = "stepctl-emulation:"
# Set by register() once; vLLM may call a plugin several times in one process.
_registered = False


# --- numbers ---------------------------------------------------------------------------------------------

# Magnitudes of FP4 E2M1 by code, and the midpoints between them. A tie goes to the even code.
FP4_VALUES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
FP4_BOUNDS = (0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0)
FP4_MAX = 6.0
FP8_MAX = 448.0
GROUP = 16


def dequantise(packed, scales, multiplier):
    """FP4 weights as float32: `packed` [.., N, K/2], `scales` [.., N, K/16] FP8, `multiplier` broadcastable."""
    import torch

    table = torch.tensor(FP4_VALUES + tuple(-v for v in FP4_VALUES), dtype=torch.float32)
    codes = torch.stack((packed & 15, packed >> 4), dim=-1).flatten(-2).long()
    grouped = table[codes].unflatten(-1, (-1, GROUP))
    return (grouped * scales.to(torch.float32).unsqueeze(-1)).flatten(-2) * multiplier


def quantise_activations(x, global_scale):
    """What is left of `x` after NVFP4: FP4 numbers under an FP8 scale a group of 16. None: weight-only kernel."""
    import torch

    if global_scale is None:
        return x
    grouped = x.to(torch.float32).unflatten(-1, (-1, GROUP))
    largest = grouped.abs().amax(dim=-1, keepdim=True)
    scale = (largest / FP4_MAX * global_scale).clamp(max=FP8_MAX)
    scale = scale.to(torch.float8_e4m3fn).to(torch.float32) / global_scale
    ratio = torch.where(scale > 0, grouped / scale, torch.zeros_like(grouped))
    bounds = torch.tensor(FP4_BOUNDS, dtype=torch.float32)
    codes = torch.bucketize(ratio.abs().contiguous(), bounds)
    # bucketize leaves a tie at the lower code: right where that is even.
    tie = (codes < len(FP4_BOUNDS)) & (ratio.abs() == bounds[codes.clamp(max=len(FP4_BOUNDS) - 1)])
    codes = codes + (tie & (codes % 2 == 1)).long()
    rounded = torch.tensor(FP4_VALUES, dtype=torch.float32)[codes] * ratio.sign()
    # NaN compares to nothing: let it through rather than hide it behind the largest code.
    rounded = torch.where(ratio.isnan(), ratio, rounded)
    return (rounded * scale).flatten(-2).to(x.dtype)


def activate(name, gate_up):
    """The gated activations that Step-3.5 uses, gate in the first half."""
    import torch.nn.functional as F

    gate, up = gate_up.chunk(2, dim=-1)
    if name == "silu":
        return F.silu(gate) * up
    if name == "swiglustep":
        return F.silu(gate).clamp(max=7.0) * up.clamp(min=-7.0, max=7.0)
    raise NotImplementedError(f"{PREFIX} no CPU stand-in for activation {name!r}")


def activation_name(activation):
    """A plain string up to 0.16, an enum from 0.17 on."""
    return getattr(activation, "value", activation)


def run_experts(x, w13, w2, weights, ids, activation, scale13=None, scale2=None):
    """Routed experts one after another in float32; the scales are per expert, None without activation quantisation."""
    import torch

    name = activation_name(activation)
    output = torch.zeros(x.shape, dtype=torch.float32)
    for expert in ids.unique().tolist():
        rows, slots = (ids == expert).nonzero(as_tuple=True)
        hidden = quantise_activations(x[rows], None if scale13 is None else scale13[expert])
        middle = activate(name, hidden.float() @ w13[expert].float().t())
        middle = quantise_activations(middle.to(x.dtype), None if scale2 is None else scale2[expert])
        result = middle.float() @ w2[expert].float().t()
        output.index_add_(0, rows, result * weights[rows, slots].float().unsqueeze(-1))
    return output.to(x.dtype)


def route(logits, bias, top_k, renormalise, scoring):
    """Top-k by score plus bias, weighted by the score alone."""
    import torch

    logits = logits.float()
    scores = logits.sigmoid() if scoring == "sigmoid" else logits.softmax(dim=-1)
    choice = scores if bias is None else scores + bias.float()
    ids = choice.topk(top_k, dim=-1)[1]
    weights = scores.gather(1, ids)
    if renormalise:
        weights = weights / weights.sum(dim=-1, keepdim=True)
    return weights, ids.to(torch.int32)


# --- what is replaced, by module of vLLM -------------------------------------------------------------------


def _log(message, *args):
    from vllm.logger import init_logger

    init_logger("vllm.stepctl_cpu_emulation").info(PREFIX + " " + message, *args)


def _answer_yes(*names):
    """Only "is this the right device?" is answered for them; activation, format and layout they answer themselves."""

    def patch(module):
        for name in names:
            if hasattr(module, name):
                getattr(module, name)._supports_current_device = staticmethod(lambda: True)

    return patch


class _Experts:
    """Stands where vLLM's modular MoE kernel stands, for one layer."""

    # What vLLM asks its kernels beside computing: up to 0.16, and from 0.17 on.
    shared_experts = None
    is_monolithic = False
    can_overlap_shared_experts = False
    consumes_expert_mask = False

    def __init__(self, quant_config):
        self._scale13 = getattr(quant_config, "a1_gscale", None)
        self._scale2 = getattr(quant_config, "a2_gscale", None)
        self.prepare_finalize = self
        self.fused_experts = self

    def topk_indices_dtype(self):
        return None

    def output_is_reduced(self):
        return False

    def process_weights_after_loading(self, layer):
        pass

    def apply(self, x, w13, w2, weights, ids, activation="silu", **_):
        return run_experts(x, w13, w2, weights, ids, activation, self._scale13, self._scale2)

    def __call__(self, x, w13, w2, weights, ids, activation="silu", **rest):
        return self.apply(x, w13, w2, weights, ids, activation, **rest)


def _per_expert(scale):
    """[E] or [E, 2] (gate, up); a kernel that fuses both quantises its input once, with the larger scale."""
    return scale if scale is None or scale.dim() < 2 else scale.amax(dim=-1)


def _patch_nvfp4_moe(module):
    """compressed-tensors NVFP4 experts: weights become plain numbers at load, the kernel plain torch."""
    if not hasattr(module, "convert_to_nvfp4_moe_kernel_format"):
        return

    def convert(
        nvfp4_backend,
        layer,
        w13,
        w13_scale,
        w13_scale_2,
        a13_scale,
        w2,
        w2_scale,
        w2_scale_2,
        a2_scale,
        **_,
    ):
        import torch

        _log(
            "layer=%s backend=%s activation=%s",
            getattr(layer, "layer_name", "?"),
            nvfp4_backend.value,
            activation_name(layer.activation),
        )
        if nvfp4_backend.value == "MARLIN":  # weight-only
            a13_scale = a2_scale = None
        plain13 = dequantise(w13, w13_scale, w13_scale_2.view(-1, 1, 1)).to(torch.bfloat16)
        plain2 = dequantise(w2, w2_scale, w2_scale_2.view(-1, 1, 1)).to(torch.bfloat16)
        return (
            plain13,
            w13_scale,
            w13_scale_2,
            _per_expert(a13_scale),
            plain2,
            w2_scale,
            w2_scale_2,
            a2_scale,
        )

    def make_kernel(moe_quant_config, **_):
        return _Experts(moe_quant_config)

    module.convert_to_nvfp4_moe_kernel_format = convert
    module.make_nvfp4_moe_kernel = make_kernel


def _linear_nvfp4(layer, x, global_scale, multiplier, bias):
    import torch.nn.functional as F

    if not hasattr(layer, "stepctl_plain_weight"):
        packed = layer.weight_packed if hasattr(layer, "weight_packed") else layer.weight
        plain = dequantise(packed.data, layer.weight_scale.data, multiplier)
        layer.stepctl_plain_weight = plain.to(x.dtype)
    return F.linear(quantise_activations(x, global_scale), layer.stepctl_plain_weight, bias)


def _patch_nvfp4_linear(module):
    """compressed-tensors NVFP4 linear layers of 0.15 and 0.16; later releases choose a kernel class instead."""
    scheme = module.CompressedTensorsW4A4Fp4
    if hasattr(module, "select_nvfp4_linear_backend") and hasattr(module, "apply_nvfp4_linear"):
        from vllm.model_executor.layers.quantization.utils.nvfp4_utils import NvFp4LinearBackend

        module.select_nvfp4_linear_backend = lambda: NvFp4LinearBackend.EMULATION
        module.convert_to_nvfp4_linear_kernel_format = lambda backend, layer: None
        module.apply_nvfp4_linear = lambda backend, layer, x, bias=None: _linear_nvfp4(
            layer, x, layer.input_global_scale_inv, layer.weight_global_scale, bias
        )
    elif hasattr(module, "cutlass_fp4_supported"):
        # 0.15: everything sits in the scheme itself, and it keeps the divisors as they are on disk.
        def init(self):
            self.backend = "cutlass"
            self.group_size = GROUP

        def process(self, layer):
            import torch

            for name in ("input_global_scale", "weight_global_scale"):
                divisor = getattr(layer, name).max().to(torch.float32)
                setattr(layer, name, torch.nn.Parameter(divisor, requires_grad=False))

        def apply(self, layer, x, bias=None):
            multiplier = 1.0 / layer.weight_global_scale
            return _linear_nvfp4(layer, x, layer.input_global_scale, multiplier, bias)

        scheme.__init__ = init
        scheme.process_weights_after_loading = process
        scheme.apply_weights = apply


def _patch_scheme_choice(module):
    """0.15 takes a weight-only scheme where CUTLASS FP4 is missing; the scheme under test is the other one."""
    if hasattr(module, "cutlass_fp4_supported"):
        module.cutlass_fp4_supported = lambda: True


def _patch_linear_kernels(module):
    """0.32: the emulation kernel is there, but the list for CPU is empty."""
    kernels = getattr(module, "_POSSIBLE_NVFP4_KERNELS", None)
    if kernels is not None and hasattr(module, "EmulationNvFp4LinearKernel"):
        from vllm.platforms import PlatformEnum

        kernels.setdefault(PlatformEnum.CPU, [module.EmulationNvFp4LinearKernel])


def _patch_bias_router(module):
    """0.15 and 0.16 route quantised experts through custom ops that only GPU builds have."""

    def topk(scoring):
        def run(weights, ids, _token_expert, logits, renormalize=False, bias=None):
            chosen, experts = route(logits, bias, ids.shape[-1], renormalize, scoring)
            return chosen, experts.to(ids.dtype)

        return run

    if hasattr(module, "vllm_topk_sigmoid"):
        module.vllm_topk_sigmoid = topk("sigmoid")
        module.vllm_topk_softmax = topk("softmax")


def _patch_cpu_moe_16(module):
    """0.15 and 0.16 BF16 experts: sigmoid routing, swiglustep."""
    original = module.select_experts

    def select_experts(**given):
        grouped = given["use_grouped_topk"] or given.get("custom_routing_function") is not None
        if grouped or given.get("scoring_func") != "sigmoid":
            return original(**given)
        weights, ids = route(
            given["router_logits"],
            given.get("e_score_correction_bias"),
            given["top_k"],
            given["renormalize"],
            "sigmoid",
        )
        return weights * given.get("routed_scaling_factor", 1.0), ids

    module.select_experts = select_experts
    module._CPU_MOE_ACT_FN.setdefault("swiglustep", lambda x: activate("swiglustep", x))
    # The fused C++ kernel knows no swiglustep; the other path calls the table above.
    fused = module.CPUFusedMOE
    check = fused.check_grouped_gemm

    def check_grouped_gemm(self, layer):
        if activation_name(layer.activation) == "swiglustep":
            return False, "none"
        return check(self, layer)

    fused.check_grouped_gemm = check_grouped_gemm


def _patch_cpu_router(module):
    """0.32: ungrouped sigmoid routing."""
    router = module.CPURouter
    original = router._compute_routing

    def compute(self, hidden_states, router_logits, indices_type, **rest):
        plain = not self.use_grouped_topk and self.custom_routing_function is None
        if not plain or self.scoring_func != "sigmoid":
            return original(self, hidden_states, router_logits, indices_type, **rest)
        weights, ids = route(
            router_logits, self.e_score_correction_bias, self.top_k, self.renormalize, "sigmoid"
        )
        return weights * self.routed_scaling_factor, ids

    router._compute_routing = compute


def _patch_cpu_moe_32(module):
    """0.32 BF16 experts: swiglustep, by leaving those layers unpacked and computing in torch."""
    experts = module.CPUUnquantizedExperts
    supports, process, apply = (
        experts._supports_activation,
        experts.process_weights_after_loading,
        experts.apply,
    )

    def supports_activation(activation):
        return activation_name(activation) == "swiglustep" or supports(activation)

    def process_weights(self, layer):
        if activation_name(self.moe_config.activation) != "swiglustep":
            process(self, layer)

    def apply_experts(self, output, hidden_states, w1, w2, topk_weights, topk_ids, activation, *rest, **named):
        if activation_name(activation) != "swiglustep":
            return apply(
                self, output, hidden_states, w1, w2, topk_weights, topk_ids, activation, *rest, **named
            )
        output.copy_(run_experts(hidden_states, w1, w2, topk_weights, topk_ids, activation))

    experts._supports_activation = staticmethod(supports_activation)
    experts.process_weights_after_loading = process_weights
    experts.apply = apply_experts


def _patch_weight_loader(module):
    """Says which parameters the files never wrote: vLLM itself skips what it does not know without a word.

    Scales of a quantised KV cache (`.attn.`) have defaults and are not asked for.
    """
    loader = module.AutoWeightsLoader
    original = loader.load_weights

    def load_weights(self, *args, **named):
        loaded = original(self, *args, **named)
        known = {name for name, _ in self.module.named_parameters() if ".attn." not in name}
        missing = sorted(known - set(loaded))
        _log(
            "weights parameters=%d never-written=%d %s", len(known), len(missing), ",".join(missing) or "-"
        )
        return loaded

    loader.load_weights = load_weights


_MOE = "vllm.model_executor.layers.fused_moe."
_CT = "vllm.model_executor.layers.quantization.compressed_tensors."
PATCHES = {
    _MOE + "cutlass_moe": _answer_yes("CutlassExpertsFp4"),
    _MOE + "experts.cutlass_moe": _answer_yes("CutlassExpertsFp4"),
    _MOE + "fused_marlin_moe": _answer_yes("MarlinExpertsBase"),
    _MOE + "experts.marlin_moe": _answer_yes("MarlinExpertsBase"),
    _MOE + "cpu_fused_moe": _patch_cpu_moe_16,
    _MOE + "experts.cpu_moe": _patch_cpu_moe_32,
    _MOE + "router.fused_topk_bias_router": _patch_bias_router,
    _MOE + "router.cpu_router": _patch_cpu_router,
    _CT + "compressed_tensors": _patch_scheme_choice,
    _CT + "compressed_tensors_moe": _patch_nvfp4_moe,
    _CT + "compressed_tensors_moe.compressed_tensors_moe_w4a4_nvfp4": _patch_nvfp4_moe,
    _CT + "schemes.compressed_tensors_w4a4_nvfp4": _patch_nvfp4_linear,
    "vllm.model_executor.kernels.linear": _patch_linear_kernels,
    "vllm.model_executor.models.utils": _patch_weight_loader,
}


# --- when it is replaced -------------------------------------------------------------------------------------


class _PatchingLoader(importlib.abc.Loader):
    def __init__(self, inner, patch):
        self._inner, self._patch = inner, patch

    def create_module(self, spec):
        return self._inner.create_module(spec)

    def exec_module(self, module):
        self._inner.exec_module(module)
        self._patch(module)

    def __getattr__(self, name):
        return getattr(self._inner, name)


class _PatchingFinder(importlib.abc.MetaPathFinder):
    """Patches a module right after its own code ran, before any importer sees it."""

    def __init__(self):
        self._busy = set()

    def find_spec(self, name, path=None, target=None):
        if name not in PATCHES or name in self._busy:
            return None
        self._busy.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._busy.discard(name)
        if spec is None or spec.loader is None:
            return None
        spec.loader = _PatchingLoader(spec.loader, PATCHES[name])
        return spec


def _wheel_has_amx_kernels():
    """Whether vLLM's native modules ask for AMX by themselves; those of 0.15 and 0.16 do not, yet Python does.

    A wrong "no" is safe: vLLM then takes its vector kernels.
    """
    import vllm

    folder = os.path.dirname(vllm.__file__)
    for name in os.listdir(folder):
        if not name.startswith("_C") or not name.endswith(".so"):
            continue
        with open(os.path.join(folder, name), "rb") as file:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                if content.find(b"has_amx") != -1:
                    return True
    return False


def _hide_amx():
    """Without it the first request dies on a CPU that has AMX: "Unsupported CPU attention configuration"."""
    import torch

    torch._C._cpu._is_amx_tile_supported = lambda: False


def register():
    """Entry point, called by vLLM in the API server, in the engine core and in every worker."""
    global _registered
    from vllm.platforms import current_platform

    if _registered or not current_platform.is_cpu():
        return
    _registered = True
    has_amx = _wheel_has_amx_kernels()
    if not has_amx:
        _hide_amx()
    sys.meta_path.insert(0, _PatchingFinder())
    for name, patch in PATCHES.items():
        if name in sys.modules:
            patch(sys.modules[name])
    _log(
        "loaded, test only: sigmoid routing, swiglustep and NVFP4 run in plain torch on this CPU (amx=%s)",
        "kept" if has_amx else "hidden",
    )

"""python -m vllm_table WHEEL: prints what the release in that wheel knows, as one JSON document."""

import json
import sys

from . import facts
from .flags import serve_flags
from .sources import Sources


def read(wheel):
    sources = Sources(wheel)
    flags, unread = serve_flags(sources)
    if unread:
        sys.exit("could not read these statements of the argument parser:\n" + "\n".join(unread))
    oracle = "vllm.model_executor.layers.fused_moe.oracle"
    return {
        **facts.built_for(sources.metadata()),
        "flags": dict(sorted(flags.items())),
        "variables": dict(sorted(facts.variables(sources).items())),
        "tellsUnknownVariables": facts.checks_variables(sources),
        "reasoningParsers": facts.parsers(sources, "vllm.reasoning", r"_.*TO_REGISTER$"),
        "toolParsers": facts.parsers(sources, "vllm.tool_parsers", r"_.*TO_REGISTER$"),
        "nvfp4MoeBackends": facts.enum_values(sources, f"{oracle}.nvfp4", "NvFp4MoeBackend"),
        "architectures": facts.architectures(sources),
    }


json.dump(read(sys.argv[1]), sys.stdout, sort_keys=False)

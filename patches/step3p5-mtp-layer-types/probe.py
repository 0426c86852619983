"""Asks the installed vLLM whether the MTP layers of a Step-3.5 checkpoint find their layer type.

No GPU and no model is needed: the real configuration class is made, or the real look-up is called.
"""

import copy
import importlib
import pickle
from types import SimpleNamespace

MAIN = ["full_attention", "sliding_attention"]
MTP = ["sliding_attention", "full_attention", "sliding_attention"]


def config_class():
    """vLLM's own configuration class; None where the release takes the one of transformers (from 0.33.0 on)."""
    try:
        return importlib.import_module("vllm.transformers_utils.configs.step3p5").Step3p5Config
    except ModuleNotFoundError:
        return None


def make_config(layer_types):
    return config_class()(
        num_hidden_layers=len(MAIN), num_nextn_predict_layers=len(MTP), layer_types=layer_types
    )


def mtp_layers_have_their_type():
    if config_class() is None:
        model = importlib.import_module("vllm.model_executor.models.step3p5")
        config = SimpleNamespace(layer_types=MAIN, mtp_layer_types=MTP)
        seen = [model._get_layer_type(config, index) for index in range(len(MAIN + MTP))]
    else:
        seen = list(make_config(MAIN + MTP).layer_types)
    return seen == MAIN + MTP or f"layer_types is {seen}"


def types_survive_the_way_to_a_worker():
    """The configuration is changed for the draft model, copied, and pickled for every worker."""
    config = copy.deepcopy(make_config(MAIN + MTP))
    config.update({"n_predict": len(MTP), "architectures": ["Step3p5MTP"]})
    seen = list(pickle.loads(pickle.dumps(config)).layer_types)
    return seen == MAIN + MTP or f"layer_types is {seen}"


def other_lists_are_left_alone():
    plain, none = make_config(MAIN).layer_types, make_config(None).layer_types
    return (list(plain) == MAIN and none is None) or f"{plain} and {none}"


def probe():
    checks = [mtp_layers_have_their_type]
    if config_class() is not None:
        checks += [types_survive_the_way_to_a_worker, other_lists_are_left_alone]
    return {check.__name__: check for check in checks}

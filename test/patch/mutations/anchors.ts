import type { Mutated, Mutation } from './layout.ts';

import type { Source, SourceKey } from './source.ts';

type Table = Readonly<Record<SourceKey, readonly ((source: Source) => Mutated)[]>>;

/** Replaces exactly one stretch inside what begins with `scope`; a table that fits no more is an error, not a case. */
const swap =
  (what: string, scope: string, from: string, to: string, extra: Partial<Mutated> = {}) =>
  (source: Source): Mutated => {
    const begin = source.text.indexOf(scope);
    const at = source.text.indexOf(from, begin);
    if (begin === -1 || at === -1) throw new Error(`${source.key} of ${source.version} has no ${from}`);
    const text = source.text.slice(0, at) + to + source.text.slice(at + from.length);
    return { what, text, ...extra };
  };

const rename =
  (from: string, to: string) =>
  (source: Source): Mutated => ({
    what: `class ${from} renamed`,
    text: source.text.replaceAll(new RegExp(`\\b${from}\\b`, 'g'), to),
    names: { [from]: to },
  });

/** The stretch from `start` up to `end` once more behind itself. */
const again =
  (what: string, scope: string, start: string, end: string) =>
  (source: Source): Mutated => {
    const from = source.text.indexOf(start, source.text.indexOf(scope));
    const to = source.text.indexOf(end, from + start.length);
    if (from === -1 || to === -1) throw new Error(`${source.key} of ${source.version} has no ${start}`);
    return { what, text: source.text.slice(0, to) + source.text.slice(from, to) + source.text.slice(to) };
  };

const fp4 = 'class CutlassExpertsFp4(';
const fp8 = 'class CutlassExpertsFp8Base(';
const cutlassList = '["silu", "gelu", "swigluoai"]';
const marlin = 'class MarlinExpertsBase(';
const marlinItem = '            "swigluoai",\n';
const method = 'class CompressedTensorsW4A4Nvfp4MoEMethod(';
const applyOf = '    def apply(\n';
const assertion = '        assert layer.activation == "silu", "Only SiLU activation is supported."\n';
const branch = '        if self.nvfp4_backend == NvFp4MoeBackend.FLASHINFER_TRTLLM:\n';
const model = 'class Step3p5Model(';
const gate = '            self.g_proj = ColumnParallelLinear(\n';
const gateArguments = `${gate}                hidden_size,\n                self.total_num_heads,\n`;
const gateWith = (value: string): string => `${gateArguments}                quant_config=${value},\n`;
const loop = '        for name, loaded_weight in weights:\n';
const stacked = '            for param_name, weight_name, shard_id in stacked_params_mapping:\n';
const shape = '                    assert loaded_weight.shape[0] == moe_expert_num\n';

/** The same in the function `apply` of the class, which comes behind its like. */
const inApply =
  (what: string, from: string, to: string) =>
  (source: Source): Mutated => {
    const begin = source.text.indexOf(applyOf, source.text.indexOf(method));
    const at = source.text.indexOf(from, begin);
    if (begin === -1 || at === -1) throw new Error(`apply of ${source.version} has no ${from}`);
    return { what, text: source.text.slice(0, at) + to + source.text.slice(at + from.length) };
  };

/** Takes the lines from `start` to just before `end` of the changed module, as if the rest had been merged already. */
const partly =
  (what: string, pieces: readonly (readonly [string, string])[]) =>
  (source: Source): Mutated => {
    let text = source.patched;
    for (const [start, end] of pieces) {
      const from = text.indexOf(start);
      const to = text.indexOf(end, from);
      if (from === -1 || to === -1) throw new Error(`the changed ${source.key} has no ${start}`);
      text = text.slice(0, from) + text.slice(to);
    }
    return { what, text };
  };

const pieceMapping = ['        # Checkpoints that store every', loop] as const;
const pieceLoading = ['            if ".moe.experts." in local_name:\n', stacked] as const;
const pieceScale = ['                    if loaded_weight.ndim == 0:\n', shape] as const;
const pieceGate = [
  '                quant_config=quant_config,\n                prefix=f"{prefix}.g_proj"',
  '                prefix=f"{prefix}.g_proj"',
] as const;

const half: Table = {
  cutlass: [
    swap('FP8 has it, FP4 lacks it', fp8, cutlassList, '["silu", "gelu", "swigluoai", "swiglustep"]'),
    swap('FP4 has it, at the end', fp4, cutlassList, '["silu", "gelu", "swigluoai", "relu2", "swiglustep"]'),
    swap('FP4 has it, in front', fp4, cutlassList, '["swiglustep", "silu", "gelu", "swigluoai"]'),
    swap('a comment names it', fp4, cutlassList, '["silu", "gelu", "swigluoai"]  # not "swiglustep"'),
  ],
  marlin: [
    swap(
      'it is there, in front',
      marlin,
      '            "silu",\n',
      '            "swiglustep",\n            "silu",\n',
    ),
    swap('it is there, at its place', marlin, marlinItem, `${marlinItem}            "swiglustep",\n`),
    swap('a comment names it', marlin, marlinItem, `${marlinItem}            # "swiglustep",\n`),
    swap('a neighbour is added', marlin, marlinItem, `${marlinItem}            "tanh",\n`),
  ],
  tensors: [
    inApply('assertion in the branch already, and above', branch, `${branch}    ${assertion}`),
    inApply('assertion in the branch only', assertion, ''),
    partly('moved already', []),
    inApply('assertion in the other branch too', '        else:\n', `        else:\n    ${assertion}`),
  ],
  model: [
    partly('gate is missing', [pieceGate]),
    partly('loading is missing', [pieceLoading]),
    partly('mapping and scale are missing', [pieceMapping, pieceScale]),
    partly('scale is missing', [pieceScale]),
    partly('mapping is missing', [pieceMapping]),
    swap(
      'a branch that only passes over',
      model,
      stacked,
      `            if ".moe.experts." in local_name:\n                continue\n\n${stacked}`,
    ),
    swap('gate with another configuration', 'class Step3p5Attention', gateArguments, gateWith('None')),
    swap('gate with it in front', 'class Step3p5Attention', gateArguments, gateWith('quant_config')),
  ],
};

const gone: Table = {
  cutlass: [
    rename('CutlassExpertsFp4', 'CutlassExpertsNvFp4'),
    swap(
      'list in a variable',
      fp4,
      `return activation in ${cutlassList}`,
      `allowed = frozenset(SUPPORTED)\n        return activation in allowed`,
    ),
    swap('another list', fp4, cutlassList, '["silu", "gelu"]'),
    swap('function renamed', fp4, '_supports_activation(', '_takes_activation('),
  ],
  marlin: [
    rename('MarlinExpertsBase', 'MarlinExpertsCommon'),
    swap('another list', marlin, marlinItem, ''),
    swap('function renamed', marlin, '_supports_activation(', '_takes_activation('),
    swap('a list of what it refuses', marlin, 'return activation in [', 'return activation not in ['),
  ],
  tensors: [
    rename('CompressedTensorsW4A4Nvfp4MoEMethod', 'CompressedTensorsNvfp4Method'),
    inApply('assertion gone', assertion, ''),
    inApply(
      'assertion of another kind',
      assertion,
      '        if layer.activation != "silu":\n            raise ValueError("Only SiLU")\n',
    ),
    inApply('branch of another kind', branch, '        if self.runs_trtllm():\n'),
  ],
  model: [
    rename('Step3p5Model', 'Step3p5Backbone'),
    swap('another loop', model, loop, '        for name, loaded_weight in sorted(weights):\n'),
    swap('assertion gone', model, shape, ''),
    swap(
      'gate of another class',
      'class Step3p5Attention',
      gate,
      gate.replace('ColumnParallelLinear', 'ReplicatedLinear'),
    ),
  ],
};

const twice: Table = {
  cutlass: [
    again('class', fp4, fp4, '\ndef run_cutlass_moe_w4a8_fp8'),
    again(
      'function',
      fp4,
      '    @staticmethod\n    def _supports_activation',
      '    @staticmethod\n    def _supports_parallel',
    ),
    again('statement', fp4, `        return activation in ${cutlassList}\n`, '\n'),
    swap(
      'list',
      fp4,
      `return activation in ${cutlassList}`,
      `return activation in ${cutlassList} or activation in ${cutlassList}`,
    ),
  ],
  marlin: [
    again('class', marlin, marlin, 'class MarlinExperts('),
    again(
      'function',
      marlin,
      '    @staticmethod\n    def _supports_activation',
      '    @staticmethod\n    def _supports_parallel',
    ),
    again('statement', marlin, '        return activation in [\n', '\n    @staticmethod'),
    again('elements', marlin, marlinItem, '            "silu_no_mul"'),
  ],
  tensors: [
    again('class', method, method, 'class CompressedTensorsW8A8Fp8MoEMethod('),
    inApply('assertion', assertion, assertion + assertion),
    inApply('branch', branch, `${branch}            pass\n        else:\n            pass\n${branch}`),
    inApply(
      'assertion, on one line with another',
      assertion,
      `${assertion.trimEnd()}; assert x is not None\n`,
    ),
  ],
  model: [
    again('class', model, model, 'class Step3p5ForCausalLM('),
    again('gate', 'class Step3p5Attention', gate, '\n        self.use_rope = True'),
    again('assertion', model, shape, '                    for expert_id in range'),
    again('loop', model, loop, '        return loaded_params'),
  ],
};

/** Every row of a table once: these are named cases rather than chosen ones. */
export const rows = (kind: 'half' | 'gone' | 'twice', key: SourceKey): readonly Mutation[] =>
  ({ half, gone, twice })[kind][key].map((row) => (source: Source) => row(source));

import { applySplices, type Splice } from '../../../src/patch/python/text.ts';
import type { Random } from './random.ts';
import { isNear, type Part, type Source } from './source.ts';

/** What became of a source: its text, and under which names the judge finds what was renamed. */
export interface Mutated {
  readonly what: string;
  readonly text: string;
  /** Name of a class that the change is about: name it has now. */
  readonly names?: Readonly<Record<string, string>>;
  /** Name that a neighbour has now: name it had. */
  readonly renames?: Readonly<Record<string, string>>;
}

export type Mutation = (source: Source, random: Random) => Mutated;

/** Half of what is changed lies where the series works, so that a mutation seldom misses it. */
function choose(source: Source, random: Random, parts: readonly Part[], count: number): Part[] {
  const near = parts.filter((part) => isNear(source, part));
  return Array.from({ length: count }, () =>
    random.pick(near.length > 0 && random.chance(0.5) ? near : parts),
  );
}

/** Splices of which none reaches into another; the first given wins. */
function apart(splices: readonly Splice[]): Splice[] {
  const kept: Splice[] = [];
  for (const one of splices) {
    if (kept.every((other) => one.end < other.start || one.start > other.end)) kept.push(one);
  }
  return kept;
}

const statements = (source: Source): Part[] =>
  source.parts.filter(
    (part) =>
      part.indent !== null &&
      part.depth > 1 &&
      part.holder === 'block' &&
      !part.text.startsWith('"') &&
      !part.text.startsWith('r"'),
  );

const lineOf = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1;

/** Comments, empty lines and statements without effect, above statements anywhere. */
export const insertLines: Mutation = (source, random) => {
  const deep = random.chance(0.75);
  const splices = choose(source, random, statements(source), 3 + random.below(30)).map((part) => {
    const indent = part.indent ?? '';
    const line = random.pick([
      `${indent}# a note`,
      '',
      `${indent}_unused = None`,
      `${indent}pass`,
      deep ? `${indent}# silu, swigluoai` : '# at the margin',
    ]);
    const at = lineOf(source.text, part.start);
    return { start: at, end: at, text: `${line}\n` };
  });
  return {
    what: deep ? 'lines inserted' : 'lines inserted, comments at the margin',
    text: applySplices(source.text, apart(splices)),
  };
};

/** A function or class with its decorators goes to another place among its like. */
export const moveDefinitions: Mutation = (source, random) => {
  const definitions = source.parts.filter(
    (part) =>
      part.indent !== null &&
      ['module', 'block'].includes(part.holder) &&
      ['function_definition', 'class_definition', 'decorated_definition'].includes(part.type),
  );
  const [first] = choose(source, random, definitions, 1);
  if (first === undefined) throw new Error('no definition');
  const owner = source.parts.find(
    (part) =>
      part.holder === 'class_definition' &&
      part.type === 'block' &&
      part.start <= first.start &&
      part.end >= first.end,
  );
  const alike = definitions.filter(
    (part) =>
      part.indent === first.indent &&
      part !== first &&
      (owner === undefined ? part.indent === '' : part.start >= owner.start && part.end <= owner.end),
  );
  if (alike.length === 0) return moveDefinitions(source, random);
  const target = random.pick(alike);
  const from = lineOf(source.text, first.start);
  const to = lineOf(source.text, target.start);
  const behind = source.text.indexOf('\n', first.end) + 1 || source.text.length;
  const splices = [
    { start: from, end: behind, text: '' },
    { start: to, end: to, text: `${first.indent ?? ''}${first.text}\n\n` },
  ];
  return { what: `moved ${nameOf(first)} above ${nameOf(target)}`, text: applySplices(source.text, splices) };
};

const nameOf = (part: Part): string => /(?:def|class) (\w+)/.exec(part.text)?.[1] ?? part.type;

/** Names that are anchors themselves, that the judge calls by, or that Python gives. */
const kept = new Set(
  (
    'self CutlassExpertsFp4 CutlassExpertsFp8Base CutlassExpertsW4A8Fp8 MarlinExpertsBase _supports_activation activation ' +
    'CompressedTensorsW4A4Nvfp4MoEMethod apply layer nvfp4_backend NvFp4MoeBackend FLASHINFER_TRTLLM is_monolithic moe_mk ' +
    'Step3p5Attention Step3p5Model g_proj load_weights __init__ named_parameters config num_attention_groups weight_loader ' +
    'shard_id expert_id num_hidden_layers shape startswith replace split isdigit endswith add ndim expand torch dict set ' +
    'any range int getattr str bool None True False name loaded_weight weights param_name weight_name stacked_params_mapping moe_expert_num layers ' +
    'model experts moe w13_weight w2_weight down_proj gate_proj up_proj len isinstance tuple Iterable annotations __future__ ' +
    'len super print enumerate zip list max min sum items keys values get append ColumnParallelLinear swiglustep silu swigluoai'
  ).split(' '),
);

/** One to three names that are no anchor get another name, everywhere in the module. */
export const renameNeighbours: Mutation = (source, random) => {
  const keywords = new Set(
    source.parts.filter((part) => part.type === 'keyword_argument').map((part) => part.text.split('=')[0]),
  );
  const names = source.parts.filter(
    (part) => part.type === 'identifier' && !kept.has(part.text) && !keywords.has(part.text),
  );
  const old = new Set(choose(source, random, names, 1 + random.below(3)).map((part) => part.text));
  let { text } = source;
  for (const name of old) text = text.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), `${name}_renamed`);
  return {
    what: `renamed ${[...old].join(', ')}`,
    text,
    renames: Object.fromEntries([...old].map((name) => [`${name}_renamed`, name])),
  };
};

/** Decorators above functions and classes. */
export const addDecorators: Mutation = (source, random) => {
  const definitions = source.parts.filter(
    (part) => part.indent !== null && ['function_definition', 'class_definition'].includes(part.type),
  );
  const splices = choose(source, random, definitions, 1 + random.below(8)).map((part) => {
    const at = lineOf(source.text, part.start);
    const decorator = random.pick(['@final', '@traced(level=1)', '@functools.lru_cache']);
    return { start: at, end: at, text: `${part.indent ?? ''}${decorator}\n` };
  });
  return { what: 'decorators added', text: applySplices(source.text, apart(splices)) };
};

const bracketed = ['list', 'argument_list', 'parameters', 'tuple'];

/** Another layout of the same source: elements a line each or all on one, other quotes, deeper continuation lines, CRLF. */
export const reformat: Mutation = (source, random) => {
  const style = random.pick(['spread', 'joined', 'quotes', 'hanging', 'brackets', 'crlf'] as const);
  if (style === 'crlf') return { what: 'CRLF line ends', text: source.text.replaceAll('\n', '\r\n') };
  const splices = source.parts.flatMap((part) => {
    if (!isNear(source, part) && !random.chance(0.2)) return [];
    const text = relaid(style, part, source);
    return text === null ? [] : [{ start: part.start, end: part.end, text }];
  });
  return { what: `reformatted: ${style}`, text: applySplices(source.text, apart(splices)) };
};

function relaid(
  style: 'spread' | 'joined' | 'quotes' | 'hanging' | 'brackets',
  part: Part,
  source: Source,
): string | null {
  const [open, close] = [part.text.at(0) ?? '', part.text.at(-1) ?? ''];
  const isList =
    bracketed.includes(part.type) && open !== '' && '([{'.includes(open) && part.items.length > 0;
  const line = /^ */.exec(source.text.slice(lineOf(source.text, part.start)))?.[0] ?? '';
  const isPlain =
    isList &&
    !part.text.includes('#') &&
    !part.text.includes('"""') &&
    part.items.every((item) => !/ for .* in /s.test(item));
  switch (style) {
    case 'spread':
      return isPlain && part.items.length > 1
        ? `${open}\n${part.items.map((item) => `${line}    ${item},\n`).join('')}${line}${close}`
        : null;
    case 'joined':
      return isPlain && part.items.length > 1 && part.items.every((item) => !item.includes('\n'))
        ? `${open}${part.items.join(', ')}${close}`
        : null;
    case 'quotes':
      return part.type === 'string' && /^"[^"'\\\n{]+"$/.test(part.text)
        ? `'${part.text.slice(1, -1)}'`
        : null;
    case 'hanging':
      return isPlain && part.text.includes('\n')
        ? part.text.replaceAll(/\n +/g, (found) => `${found}      `)
        : null;
    case 'brackets':
      return part.type === 'comparison_operator' && part.holder !== 'parenthesized_expression'
        ? `(${part.text})`
        : null;
  }
}

import { makeDelta, noFacts } from '../../src/vllm/table/delta.ts';
import type { ReleaseDelta, ReleaseFacts } from '../../src/vllm/table/schema.ts';
import { compareVersions } from '../../src/vllm/versions.ts';

const renderRows = (rows: object, indent: string): string => {
  const lines = Object.entries(rows).map(([name, row]) => `${indent} "${name}": ${JSON.stringify(row)}`);
  return `{\n${lines.join(',\n')}\n${indent}}`;
};

const renderDelta = (delta: ReleaseDelta): string => {
  const parts = Object.entries(delta).map(([key, value]) => {
    const isRows = key === 'flags' || key === 'variables';
    return `  "${key}": ${isRows ? renderRows(value as object, '  ') : JSON.stringify(value)}`;
  });
  return ` {\n${parts.join(',\n')}\n }`;
};

/** The table's file: one flag or variable a line, so that a new release is a diff that a person can read. Pure. */
export function renderTable(facts: ReadonlyMap<string, ReleaseFacts>): string {
  let before = noFacts;
  const deltas = [...facts]
    .toSorted(([left], [right]) => compareVersions(left, right))
    .map(([version, after]) => {
      const delta = makeDelta(version, before, after);
      before = after;
      return renderDelta(delta);
    });
  return `{"schema": "stepctl/vllm-releases/1", "releases": [\n${deltas.join(',\n')}\n]}\n`;
}

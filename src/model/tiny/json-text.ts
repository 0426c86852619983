const floatMark = '@float:';

/** A whole number that must be written with a decimal point: strict readers of model configs tell 3 from 3.0. */
export function asFloat(value: number): string {
  return `${floatMark}${Number.isInteger(value) ? value.toFixed(1) : value}`;
}

/** JSON as config files are written: two spaces, a newline at the end, floats as floats. */
export function formatJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  return `${text.replaceAll(/"@float:(-?[\d.]+)"/g, '$1')}\n`;
}

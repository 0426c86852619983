/**
 * Requirements of a wheel's METADATA without its extras, as lines for `-r`. `torch==2.10.0+cpu` becomes `torch==2.10.0`:
 * the CPU wheels ask for builds with a local version, which a package index does not hold (PEP 440); one that
 * does have them still satisfies the shorter pin.
 */
export function requirementLines(metadata: string): readonly string[] {
  const header = metadata.split(/\r?\n\r?\n/)[0] ?? '';
  return header
    .split(/\r?\n/)
    .filter((line) => line.startsWith('Requires-Dist:'))
    .map((line) => line.slice('Requires-Dist:'.length).trim())
    .filter((line) => !/;.*\bextra\s*==/.test(line))
    .map((line) => line.replace(/==\s*([\w.]+)\+cpu\b/, '==$1'));
}

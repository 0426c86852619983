import { type GpuDetails, type GpuFacts, noDetails } from './types.ts';

const MiB = 1024 * 1024;

type Cells = ReadonlyMap<string, string>;

/** What is asked of `nvidia-smi --query-gpu`, in this order. Two names of one thing: drivers renamed it at 535. */
export const gpuFields: readonly string[] = [
  'index',
  'uuid',
  'name',
  'memory.total',
  'compute_cap',
  'driver_version',
  'memory.used',
  'pci.bus_id',
  'mig.mode.current',
  'power.limit',
  'power.default_limit',
  'ecc.errors.uncorrected.volatile.total',
  'temperature.gpu',
  'clocks_event_reasons.active',
  'clocks_throttle_reasons.active',
  'pcie.link.width.current',
  'pcie.link.width.max',
  'pcie.link.gen.max',
];

/** Without these a line is no GPU. */
const required = ['index', 'uuid', 'name', 'memory.total', 'driver_version'] as const;

/** The field an older or newer driver does not know, out of its error; null for another error. */
export const unknownField = (text: string): string | null =>
  /Field "([^"]+)" is not a valid field to query/.exec(text)?.[1] ?? null;

export const isRequired = (field: string): boolean => required.some((one) => one === field);

const number = (cells: Cells, field: string): number | null => {
  // `[N/A]`, `[Not Supported]`, `[Unknown Error]`, `ERR!`: the card or the driver does not say.
  const text = cells.get(field) ?? '';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : null;
};

const bits = (cells: Cells): number | null => {
  const text = cells.get('clocks_event_reasons.active') ?? cells.get('clocks_throttle_reasons.active') ?? '';
  return /^0x[0-9a-f]{1,16}$/i.test(text) ? Number(text) : null;
};

const migOf = (text: string | undefined): GpuDetails['mig'] =>
  text === 'Enabled' ? 'on' : text === 'Disabled' ? 'off' : null;

const detailsOf = (cells: Cells): GpuDetails => {
  const used = number(cells, 'memory.used');
  const bus = cells.get('pci.bus_id') ?? '';
  return {
    ...noDetails,
    memoryUsedBytes: used === null ? null : used * MiB,
    busId: /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.\d$/i.test(bus) ? bus : null,
    mig: migOf(cells.get('mig.mode.current')),
    powerLimitW: number(cells, 'power.limit'),
    powerDefaultW: number(cells, 'power.default_limit'),
    eccUncorrected: number(cells, 'ecc.errors.uncorrected.volatile.total'),
    temperatureC: number(cells, 'temperature.gpu'),
    throttleBits: bits(cells),
    linkWidth: number(cells, 'pcie.link.width.current'),
    linkWidthMax: number(cells, 'pcie.link.width.max'),
    linkGenMax: number(cells, 'pcie.link.gen.max'),
  };
};

/** One line of `--format=csv,noheader,nounits` for these fields; null for a line of another form. Names hold no comma. */
export function parseGpuLine(line: string, fields: readonly string[]): GpuFacts | null {
  const values = line.split(',').map((cell) => cell.trim());
  if (values.length !== fields.length) return null;
  const cells: Cells = new Map(fields.map((field, column) => [field, values[column] ?? '']));
  const index = number(cells, 'index');
  const memory = cells.get('memory.total') ?? '';
  const driver = cells.get('driver_version') ?? '';
  // A shared memory is "[N/A]"; a lost card has error words in every cell.
  const memoryMiB = memory === '[N/A]' ? 0 : number(cells, 'memory.total');
  if (index === null || memoryMiB === null || !/^\d+(\.\d+)*$/.test(driver)) return null;
  const capability = cells.get('compute_cap') ?? '';
  return {
    index,
    uuid: cells.get('uuid') ?? '',
    name: cells.get('name') ?? '',
    memoryBytes: memoryMiB * MiB,
    computeCapability: /^\d+\.\d+$/.test(capability) ? capability : null,
    driver,
    details: detailsOf(cells),
  };
}

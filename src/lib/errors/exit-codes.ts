/** What the process's exit code tells a script; the README prints this table. */
export const exitCodes = {
  ok: 0,
  internal: 1,
  preflight: 2,
  inconclusive: 3,
  patch: 4,
  download: 5,
  engine: 6,
  stall: 7,
  gpu: 8,
  busy: 9,
  differs: 10,
  gate: 11,
  usage: 64,
  interrupted: 130,
} as const;

export interface CatalogueEntry {
  /** Process exit code, from `exitCodes`. */
  readonly exit: number;
  /** One sentence for the documentation: when this code is used. */
  readonly when: string;
}

/** One GPU as nvidia-smi reports it. What a driver or card does not tell is null. */
export interface GpuFacts {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  /** 0 where the card has no memory of its own (DGX Spark shares the machine's). */
  readonly memoryBytes: number;
  /** `12.0` for sm_120; null where the driver does not tell. */
  readonly computeCapability: string | null;
  readonly driver: string;
  readonly details: GpuDetails;
}

/** What is looked at beyond the name: absent in a driver too old to tell. */
export interface GpuDetails {
  readonly memoryUsedBytes: number | null;
  /** `00000000:01:00.0` */
  readonly busId: string | null;
  readonly mig: 'on' | 'off' | null;
  readonly powerLimitW: number | null;
  readonly powerDefaultW: number | null;
  /** Uncorrected errors since the driver was loaded; null without ECC. */
  readonly eccUncorrected: number | null;
  readonly temperatureC: number | null;
  /** Bits of clocks_event_reasons.active (clocks_throttle_reasons before driver 535). */
  readonly throttleBits: number | null;
  readonly linkWidth: number | null;
  readonly linkWidthMax: number | null;
  readonly linkGenMax: number | null;
}

export const noDetails: GpuDetails = {
  memoryUsedBytes: null,
  busId: null,
  mig: null,
  powerLimitW: null,
  powerDefaultW: null,
  eccUncorrected: null,
  temperatureC: null,
  throttleBits: null,
  linkWidth: null,
  linkWidthMax: null,
  linkGenMax: null,
};

export type GpuSearch =
  | { readonly kind: 'found'; readonly gpus: readonly GpuFacts[] }
  /** No nvidia-smi: no driver. */
  | { readonly kind: 'no-driver' }
  /** nvidia-smi is there and fails; `hangs` when it gave no answer. */
  | { readonly kind: 'broken'; readonly why: string; readonly hangs: boolean };

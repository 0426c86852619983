/** What the main thread tells a hash worker. */
export type HashOrder =
  | {
      readonly kind: 'open';
      readonly id: number;
      readonly path: string;
      readonly algorithm: 'sha256' | 'git-sha1';
      readonly sizeBytes: number;
    }
  /** The first `upTo` bytes of the file are there now. */
  | { readonly kind: 'advance'; readonly id: number; readonly upTo: number }
  | { readonly kind: 'cancel'; readonly id: number }
  /** Which of these stretches do not have the crc32 they were written with. */
  | {
      readonly kind: 'check';
      readonly id: number;
      readonly path: string;
      readonly stretches: readonly {
        readonly start: number;
        readonly length: number;
        readonly dataCrc: number;
      }[];
    };

/** What a hash worker answers. */
export type HashReport =
  | { readonly kind: 'hashed'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'digest'; readonly id: number; readonly hex: string }
  | { readonly kind: 'checked'; readonly id: number; readonly bad: readonly number[] }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string; readonly code: string | null };

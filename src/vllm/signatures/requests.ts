import { fixed, type Signature } from './signature.ts';

/** What only shows once requests come. */
export const requestSignatures: readonly Signature[] = [
  {
    id: 'broken-probabilities',
    pattern: /probability tensor contains either `inf`, `nan`/,
    deterministic: false,
    phase: 'requests',
    source: 'report',
    describe: fixed(
      'the model computes no numbers any more (NaN): a broken FP4 kernel, a wrong load or a damaged file',
      'stepctl verify --full, then stepctl patch verify; then serve.moeBackend=marlin',
    ),
  },
  {
    // A client's fault: counts only where nothing else is in the log.
    id: 'request-too-long',
    pattern:
      /maximum context length is (\d+) tokens|max_tokens=\d+ cannot be greater than max_model_len|is longer than the maximum model length of (\d+)/,
    weak: true,
    deterministic: false,
    phase: 'requests',
    source: 'report',
    describe: ([, limit, other]) => ({
      cause: `a client asks for more than the context of ${limit ?? other ?? 'the model'} tokens; the engine is well`,
      advice: 'the proxy bounds max_tokens; raise serve.maxModelLen where the memory allows it',
    }),
  },
];

import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const modelErrors = {
  STEP_MODEL_REPO_UNKNOWN: {
    exit: exitCodes.download,
    when: 'the hub knows no such repository, or it is private and no token was sent',
  },
  STEP_MODEL_REVISION_UNKNOWN: {
    exit: exitCodes.download,
    when: 'the repository has no such branch, tag or commit',
  },
  STEP_MODEL_GATED: { exit: exitCodes.download, when: 'the repository is gated and access was not granted' },
  STEP_MODEL_TOKEN_REFUSED: { exit: exitCodes.download, when: 'the hub does not accept the token' },
  STEP_MODEL_FILE_UNKNOWN: {
    exit: exitCodes.download,
    when: 'the hub lists a file and then does not have it',
  },
  STEP_MODEL_HUB_UNREACHABLE: {
    exit: exitCodes.download,
    when: 'the hub or its file server could not be reached, or kept failing',
  },
  STEP_MODEL_HUB_THROTTLED: { exit: exitCodes.download, when: 'the hub kept answering 429' },
  STEP_MODEL_HUB_ANSWER: {
    exit: exitCodes.download,
    when: 'the hub or its file server broke the protocol: HTML, wrong range, wrong length, encoded body',
  },
  STEP_MODEL_NAME_UNSAFE: {
    exit: exitCodes.download,
    when: 'the hub lists a file name that would leave the cache folder',
  },
  STEP_MODEL_HASH_MISMATCH: {
    exit: exitCodes.download,
    when: 'a file was fetched twice and its hash is still not the one the hub declares',
  },
  STEP_MODEL_DISK: {
    exit: exitCodes.download,
    when: 'the disk or the quota ran full, or failed, during a download; what is journalled is kept',
  },
  STEP_MODEL_CACHE_UNWRITABLE: { exit: exitCodes.preflight, when: 'the model cache cannot be written' },
  STEP_MODEL_LOCKED: { exit: exitCodes.busy, when: 'another process is pulling the same model' },
  STEP_MODEL_OFFLINE: {
    exit: exitCodes.download,
    when: 'HF_HUB_OFFLINE is set and the cache does not hold the whole model',
  },
  STEP_MODEL_NOTHING_WANTED: {
    exit: exitCodes.inconclusive,
    when: 'the patterns select no file of the repository',
  },
  STEP_MODEL_NOT_CACHED: { exit: exitCodes.inconclusive, when: 'the cache holds no snapshot of this model' },
  STEP_MODEL_FOLDER: {
    exit: exitCodes.preflight,
    when: 'a folder is not a model: no folder, no config.json, not JSON',
  },
  STEP_MODEL_INCOMPLETE: {
    exit: exitCodes.download,
    when: 'a shard or file of a model is missing, truncated or not as its index says',
  },
} as const satisfies Record<string, CatalogueEntry>;

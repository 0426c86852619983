import { timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { StepError, takeOwnerLock } from '../../lib/index.ts';
import { hashKey, makeKey, readKeyId } from './format.ts';
import { readKeyFile, stampOf, type StoredKey, writeKeyFile } from './key-file.ts';

/** A key without its secret. */
export type KeyInfo = Omit<StoredKey, 'sha256'>;
export type NewKey = KeyInfo & {
  /** The key itself: shown once, stored nowhere. */
  readonly key: string;
};

export interface KeyStore {
  /** Throws STEP_PROXY_KEY_NAME for an empty name or an unknown scope. */
  create(input: { name: string; scopes: readonly string[] }): Promise<NewKey>;
  list(): Promise<KeyInfo[]>;
  /** Disables a key at once, also for a proxy in another process. Throws STEP_PROXY_KEY_UNKNOWN. */
  revoke(id: string): Promise<KeyInfo>;
  /** The key that this text is, or null: unknown, mistyped, disabled. Constant time over the secret part. Never throws. */
  check(text: string): KeyInfo | null;
}

/** `chat`: generation and the list of models; `advanced`: gated body fields; `metrics`: GET /metrics. */
export const knownScopes = ['chat', 'advanced', 'metrics'] as const;

/** How long `check` trusts what it read before it looks at the file's stamp again. */
const freshForMs = 100;
/** Compared against for an unknown id, so that it takes as long as a known one. */
const dummyDigest = Buffer.alloc(32);

interface Loaded {
  readonly byId: ReadonlyMap<string, { readonly info: KeyInfo; readonly digest: Buffer }>;
  readonly stamp: string | null;
}

const infoOf = ({ sha256: _secret, ...info }: StoredKey): KeyInfo => info;

function load(path: string): Loaded {
  const { keys, stamp } = readKeyFile(path);
  const byId = new Map(
    keys.map((key) => [key.id, { info: infoOf(key), digest: Buffer.from(key.sha256, 'hex') }]),
  );
  return { byId, stamp };
}

function readStamp(path: string): string | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? null : stampOf(stat);
}

function checkNew(name: string, scopes: readonly string[]): void {
  const unknown = scopes.find((scope) => !knownScopes.some((known) => known === scope));
  if (name.trim() !== '' && name.length <= 100 && scopes.length > 0 && unknown === undefined) return;
  throw new StepError('STEP_PROXY_KEY_NAME', {
    verdict: unknown === undefined ? 'a key needs a name and at least one scope' : `"${unknown}" is no scope`,
    reason: `scopes are ${knownScopes.join(', ')}; a name has 1 to 100 characters`,
    next: 'stepctl keys create laptop --scope chat',
  });
}

/**
 * The keys of one 0600 file, written by rename under a lock, read again when it changes. A file that is broken while the
 * proxy runs leaves the last good keys in force. Throws STEP_PROXY_KEY_FILE when it cannot be used now.
 */
export function openKeyStore(path: string): KeyStore {
  let loaded = load(path);
  let lookedAt = performance.now();

  const refresh = (): void => {
    lookedAt = performance.now();
    try {
      if (readStamp(path) !== loaded.stamp) loaded = load(path);
    } catch {
      // The last good keys stay; the next change of the file is looked at again.
    }
  };

  const change = async <T>(edit: (keys: StoredKey[]) => T): Promise<T> => {
    const release = await lockFile(`${path}.lock`);
    try {
      const keys = [...readKeyFile(path).keys];
      const result = edit(keys);
      await writeKeyFile(path, keys);
      loaded = load(path);
      return result;
    } finally {
      await release();
    }
  };

  return {
    create: async ({ name, scopes }) => {
      checkNew(name, scopes);
      const made = makeKey();
      const info: KeyInfo = {
        id: made.id,
        name,
        scopes: [...scopes],
        createdAt: Date.now(),
        disabled: false,
      };
      await change((keys) => keys.push({ ...info, sha256: hashKey(made.text).toString('hex') }));
      return { ...info, key: made.text };
    },
    list: async () => readKeyFile(path).keys.map(infoOf),
    revoke: (id) => change((keys) => disable(keys, id)),
    check: (text) => {
      if (performance.now() - lookedAt > freshForMs) refresh();
      const id = readKeyId(text);
      const entry = id === null ? undefined : loaded.byId.get(id);
      const isSame = timingSafeEqual(hashKey(text), entry?.digest ?? dummyDigest);
      return isSame && entry !== undefined && !entry.info.disabled ? entry.info : null;
    },
  };
}

function disable(keys: StoredKey[], id: string): KeyInfo {
  const at = keys.findIndex((key) => key.id === id);
  const found = keys[at];
  if (found === undefined) {
    throw new StepError('STEP_PROXY_KEY_UNKNOWN', {
      verdict: `no key has the id "${id}"`,
      next: 'stepctl keys list',
    });
  }
  keys[at] = { ...found, disabled: true };
  return infoOf(keys[at]);
}

/** Two commands at once must not lose a key: one edits after the other. */
async function lockFile(path: string): Promise<() => Promise<void>> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const lock = await takeOwnerLock(path);
    if ('release' in lock) return () => lock.release();
    await sleep(20);
  }
  throw new StepError('STEP_PROXY_KEY_FILE', {
    verdict: 'the file of keys is being changed by another command',
    reason: `${path} was held for 2 s`,
    next: 'try again',
  });
}

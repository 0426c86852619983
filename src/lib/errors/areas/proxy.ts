import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const proxyErrors = {
  STEP_PROXY_PORT_BUSY: {
    exit: exitCodes.busy,
    when: 'another process listens on the address of the front door',
  },
  STEP_PROXY_LISTEN: { exit: exitCodes.preflight, when: 'the front door cannot listen on its address' },
  STEP_PROXY_OPEN_ADDRESS: {
    exit: exitCodes.usage,
    when: 'the front door would be open without keys on an address that others can reach',
  },
  STEP_PROXY_KEY_FILE: {
    exit: exitCodes.preflight,
    when: 'the file of keys is unreadable, not in its format, or writable by others',
  },
  STEP_PROXY_KEY_NAME: { exit: exitCodes.usage, when: 'name or scopes of a new key are not acceptable' },
  STEP_PROXY_KEY_UNKNOWN: { exit: exitCodes.usage, when: 'no key has the id that was given' },
} as const satisfies Record<string, CatalogueEntry>;

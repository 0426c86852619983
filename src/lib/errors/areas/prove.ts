import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

/** bench, smoke, chat: what goes wrong on the client's side of the front door. */
export const proveErrors = {
  STEP_API_ADDRESS: { exit: exitCodes.usage, when: 'the address of an API is missing or no http URL' },
  STEP_API_UNREACHABLE: { exit: exitCodes.inconclusive, when: 'nothing answers at the address of the API' },
  STEP_API_REFUSED: { exit: exitCodes.inconclusive, when: 'the API answered a request with an error status' },
  STEP_API_BROKEN: { exit: exitCodes.engine, when: 'an answer of the API was cut off or held an error' },
  STEP_API_TIMEOUT: { exit: exitCodes.stall, when: 'an answer of the API did not end before its deadline' },
  STEP_BENCH_OPTIONS: { exit: exitCodes.usage, when: 'an option of bench has a value that makes no sense' },
  STEP_BENCH_RESULT_FOREIGN: { exit: exitCodes.usage, when: 'a file given as a result of bench is none' },
} as const satisfies Record<string, CatalogueEntry>;

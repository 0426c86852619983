import { badRequest, refusal } from '../refusal.ts';
import type { Check, Field } from './checks.ts';

/** Never accepted from a client. `why` names the advisory or the reason; it ends in the answer. */
export const denied = (why: string): Field => ({
  check: (_value, path) => badRequest(`"${path}" is not accepted here: ${why}`, path, 'field_denied'),
  isForwarded: false,
});

/** For keys with the scope `advanced`: fields that have let one request harm others, or the engine. */
export const gated =
  (check: Check): Check =>
  (value, path, context) =>
    context.isAdvanced
      ? check(value, path, context)
      : refusal({
          status: 403,
          code: 'field_gated',
          message: `"${path}" needs a key with the scope "advanced"`,
          param: path,
        });

/** Sent by OpenAI clients, without a meaning for the engine: taken, not sent on. */
export const ignored = (check: Check): Field => ({ check, isForwarded: false });

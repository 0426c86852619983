import { asObject, isErrorObject } from '../answer.ts';
import { bodyOf, type Check, get, sendBody } from '../context.ts';
import { fail, pass, quote, skip } from '../outcome.ts';

const noDoor = 'an engine without a front door before it';

const live: Check = {
  id: 'live',
  proves: 'the server is up and tells so without a key',
  run: async (context) => {
    const path = context.options.isFrontDoor === false ? '/health' : '/health/live';
    const { status } = await get(context, path, null);
    return status === 200 ? pass(`GET ${path} → 200`) : fail(`GET ${path} answered ${status}`);
  },
};

const ready: Check = {
  id: 'ready',
  proves: 'the stack calls itself ready to serve',
  run: async (context) => {
    if (context.options.isFrontDoor === false) return skip(noDoor);
    const { status, text } = await get(context, '/health/ready', null);
    return status === 200
      ? pass('GET /health/ready → 200')
      : fail(`GET /health/ready answered ${status}`, quote(text));
  },
};

const models: Check = {
  id: 'models',
  proves: 'the model is listed under the name that clients use',
  run: async (context) => {
    const { status, json, text } = await get(context, '/v1/models');
    if (status !== 200) return fail(`GET /v1/models answered ${status}`, quote(text));
    const data = asObject(json)?.['data'];
    const ids = Array.isArray(data) ? data.map((each: unknown) => String(asObject(each)?.['id'])) : [];
    const { model } = context.options;
    return ids.includes(model)
      ? pass(`served: ${ids.join(', ')}`)
      : fail(`"${model}" is not served`, `served: ${ids.join(', ') || 'nothing'}`);
  },
};

/** Well-formed, and certainly nobody's. */
const foreignKey = 'sk-stepctl-smoke-wrong-key';

const wrongKey: Check = {
  id: 'wrong-key',
  proves: 'no key and a wrong key are refused with 401',
  run: async (context) => {
    if (context.options.apiKey === null) return skip('no key is in use');
    const without = await get(context, '/v1/models', null);
    const wrong = await get(context, '/v1/models', foreignKey);
    const evidence = [`without a key → ${without.status}`, `with a wrong key → ${wrong.status}`];
    if (without.status !== 401 || wrong.status !== 401)
      return fail('a request without the right key was not refused with 401', ...evidence);
    // vLLM's own --api-key answers with a bare text, which is none of the front door's business.
    return isErrorObject(wrong.json) || context.options.isFrontDoor === false
      ? pass(...evidence)
      : fail('the refusal holds no error object', quote(wrong.text));
  },
};

/** Routes that vLLM itself answers with 200: a 404 proves that the request did not reach it. */
const engineRoutes = ['/version', '/openapi.json'];

const unknownRoute: Check = {
  id: 'unknown-route',
  proves: 'routes outside the list get 404 and do not reach the engine',
  run: async (context) => {
    if (context.options.isFrontDoor === false) return skip(noDoor);
    const evidence: string[] = [];
    for (const path of [...engineRoutes, '/v1/no-such-route']) {
      const { status } = await get(context, path);
      evidence.push(`GET ${path} → ${status}`);
      if (status !== 404) return fail(`GET ${path} answered ${status} instead of 404`, ...evidence);
    }
    return pass(...evidence);
  },
};

const badField: Check = {
  id: 'bad-field',
  proves: 'a request with a value of the wrong type is refused with 400 and says why',
  run: async (context) => {
    const body = { ...bodyOf(context, { prompt: 'hello', maxTokens: 1 }), temperature: 'hot' };
    const { status, json, text } = await sendBody(context, body);
    if (status !== 400)
      return fail(`temperature "hot" was answered with ${status} instead of 400`, quote(text));
    return isErrorObject(json)
      ? pass('temperature "hot" → 400', quote(text))
      : fail('the refusal holds no error object', quote(text));
  },
};

export const doorChecks: readonly Check[] = [live, ready, models, wrongKey, unknownRoute, badField];

import { type Refusal, refusal } from './refusal.ts';

export type RouteName = 'chat' | 'completions' | 'models' | 'model' | 'live' | 'ready' | 'metrics';

export interface Route {
  readonly name: RouteName;
  /** Path at the engine; null where the proxy answers by itself. */
  readonly upstreamPath: string | null;
  /** Scope that a key must have; null: open to everyone. */
  readonly scope: 'chat' | 'metrics' | null;
}

type Methods = ReadonlyMap<string, Route>;

const get = (name: RouteName, scope: Route['scope']): Methods =>
  new Map([['GET', { name, upstreamPath: null, scope }]]);
const post = (name: RouteName, upstreamPath: string): Methods =>
  new Map([['POST', { name, upstreamPath, scope: 'chat' }]]);

/** The whole surface. A target that is not a key of this table, byte for byte, never touches the engine. */
export function routeTable(servedName: string): ReadonlyMap<string, Methods> {
  return new Map<string, Methods>([
    ['/v1/chat/completions', post('chat', '/v1/chat/completions')],
    ['/v1/completions', post('completions', '/v1/completions')],
    ['/v1/models', get('models', 'chat')],
    [`/v1/models/${servedName}`, get('model', 'chat')],
    ['/health', get('ready', null)],
    ['/health/live', get('live', null)],
    ['/health/ready', get('ready', null)],
    ['/metrics', get('metrics', 'metrics')],
  ]);
}

/** Second stage: exact match, no decoding, no normalising. */
export function findRoute(
  table: ReadonlyMap<string, Methods>,
  method: string,
  target: string,
): Route | Refusal {
  const methods = table.get(target);
  if (methods === undefined) {
    const hint = target.includes('?') ? '; paths are matched without a query string' : '';
    return refusal({
      status: 404,
      code: 'unknown_route',
      message: `no such route: ${method} ${target.slice(0, 200)}${hint}`,
    });
  }
  const route = methods.get(method);
  if (route !== undefined) return route;
  const allow = [...methods.keys()].join(', ');
  return refusal({
    status: 405,
    code: 'method_not_allowed',
    message: `${target} takes ${allow}`,
    headers: ['allow', allow],
  });
}

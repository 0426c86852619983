export { createProxy } from './create-proxy.ts';
export { type KeyInfo, type KeyStore, knownScopes, type NewKey, openKeyStore } from './keys/store.ts';
export { type BodyBounds, defaultPolicy, type ProxyPolicy } from './policy.ts';
export { defaultTimers, type ProxyTimers } from './timers.ts';
export type {
  AccessRecord,
  DrainResult,
  EndReason,
  OpenRequest,
  Proxy,
  ProxyOptions,
  ProxyStats,
} from './types.ts';

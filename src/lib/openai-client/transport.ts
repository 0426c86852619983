import { Pool } from 'undici';
import type { ApiAddress } from './types.ts';

const connectTimeoutMs = 10_000;

/**
 * One pool of keep-alive HTTP/1.1 connections. undici's own header and body deadlines are off: a prefill of a long
 * prompt is silent for minutes and legal (they would cut it at 300 s); every request has a deadline of its own instead.
 */
export function openPool(address: ApiAddress, connections: number): Pool {
  return new Pool(originOf(address), {
    connections,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 30_000,
    connect: {
      timeout: connectTimeoutMs,
      ...(address.socketPath === null ? {} : { socketPath: address.socketPath }),
    },
  });
}

/** Path in front of `/v1`, for an API that is mounted below one: `http://host/engine/v1` → `/engine`. */
export function pathPrefixOf(address: ApiAddress): string {
  return new URL(address.baseUrl).pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
}

function originOf(address: ApiAddress): string {
  return new URL(address.baseUrl).origin;
}

import { isIP } from 'node:net';

/** host[:port] of RFC 9112 section 3.2, without the odd forms (user@, paths, percent escapes) that CVE-2026-48710 fed on. */
const hostGrammar = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

export const isHostHeader = (value: string): boolean => hostGrammar.test(value);

/** Host without port and brackets, lower case. */
export const hostName = (value: string): string => {
  const name = value.startsWith('[') ? value.slice(1, value.indexOf(']')) : (value.split(':')[0] ?? '');
  return name.toLowerCase();
};

/** True for addresses and names that never leave this machine. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^::ffff:(?=\d)/, '');
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true;
  return isIP(name) === 4 && name.startsWith('127.');
}

import { askHub, type HubAnswer, type HubClient } from './client.ts';
import { headerOf } from './exchange.ts';
import { type AskedFor, brokenAnswer } from './refusal.ts';

const maxHops = 5;
const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status);

/**
 * Asks the hub's API, following redirects: a renamed repository answers 307 to its new name, some mirrors send the
 * API on to the real hub. The token goes along only while the origin stays the hub's. Throws as `askHub` does.
 */
export async function askApi(client: HubClient, start: URL, asked: AskedFor): Promise<HubAnswer> {
  let url = start;
  for (let hop = 0; hop <= maxHops; hop += 1) {
    const answer = await askHub(
      client,
      { url, method: 'GET', asked },
      (status) => status === 200 || isRedirect(status),
    );
    if (answer.status === 200) return answer;
    const location = headerOf(answer.headers, 'location');
    if (location === null || !URL.canParse(location, url.href))
      throw brokenAnswer(asked.what, 'it redirects to nowhere');
    url = new URL(location, url);
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw brokenAnswer(asked.what, `it redirects to ${url.protocol}`);
  }
  throw brokenAnswer(asked.what, `more than ${maxHops} redirects`);
}

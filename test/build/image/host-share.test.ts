import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findHostShare } from '../../../src/build/image/host-share.ts';

it('lends certificates, settings and cache read-only where it can, and passes on index settings only', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stepctl-share-'));
  try {
    const ca = join(folder, 'ca.crt');
    await writeFile(ca, '');
    const env = {
      SSL_CERT_FILE: ca,
      XDG_CONFIG_HOME: folder,
      HTTPS_PROXY: 'http://p:1',
      UV_DEFAULT_INDEX: 'https://i',
      AWS_SECRET_ACCESS_KEY: 'no',
      PIP_FIND_LINKS: '/local',
    };
    const share = await findHostShare(env, '/cache', '/usr/bin/uv');
    expect(share.binds).toContain('/cache:/run/stepctl/cache');
    expect(share.binds).toContain(`${ca}:/run/stepctl/ca.crt:ro`);
    expect(share.binds).toContain('/usr/bin/uv:/run/stepctl/uv:ro');
    expect(share.env).toEqual(
      expect.arrayContaining([
        'HTTPS_PROXY=http://p:1',
        'UV_DEFAULT_INDEX=https://i',
        'SSL_CERT_FILE=/run/stepctl/ca.crt',
        'UV=/run/stepctl/uv',
      ]),
    );
    expect(share.env.join(' ')).not.toMatch(/AWS|FIND_LINKS/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

import { type DeepPartial, resolveStack, type Stack } from '../../src/stack/index.ts';

/** A shipped profile with settings over it. */
export async function stackOf(
  profile: string,
  sets: string[] = [],
  flags: DeepPartial<Stack> = {},
): Promise<Stack> {
  const { stack } = await resolveStack({
    profile,
    cwd: '/nonexistent',
    env: {},
    sets,
    flags,
    extraArgs: [],
    pickProfile: () => Promise.reject(new Error('a profile is named')),
  });
  return stack;
}

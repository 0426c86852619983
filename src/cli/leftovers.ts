import type { DriverName, Leftover } from '../engine/types.ts';

const realDrivers: readonly DriverName[] = ['process', 'sim', 'docker'];

/** Drivers that may have left something: the recorded one, or all when the record does not say. */
const driversOf = (recorded: string): readonly DriverName[] =>
  realDrivers.includes(recorded as DriverName) ? [recorded as DriverName] : realDrivers;

/** What a dead controller's engine left on this machine. Looks only. */
export async function findLeftovers(instance: string, stateDir: string, driver: string): Promise<Leftover[]> {
  const { createDriver } = await import('../engine/index.ts');
  const found = await Promise.all(
    driversOf(driver).map((name) =>
      createDriver(name)
        .leftovers(instance, stateDir)
        .catch(() => []),
    ),
  );
  return found.flat();
}

/** Takes it away. Only for the process that has claimed the instance. */
export async function removeLeftovers(
  instance: string,
  stateDir: string,
  driver: string,
): Promise<Leftover[]> {
  const { createDriver } = await import('../engine/index.ts');
  const removed: Leftover[] = [];
  for (const name of driversOf(driver))
    removed.push(...(await createDriver(name).remove(instance, stateDir)));
  return removed;
}

/**
 * Bytes received and not yet journalled, over all connections of a pull: what a kill -9 right now would cost. Over its
 * limit the connections pause until the disk has caught up.
 */
export interface Ledger {
  add(bytes: number): void;
  settle(bytes: number): void;
  isOver(): boolean;
  /** Calls back once, when the ledger is under its limit again. */
  onceUnder(callback: () => void): void;
}

export function createLedger(limitBytes: number): Ledger {
  let owed = 0;
  let waiting: (() => void)[] = [];
  return {
    add: (bytes) => {
      owed += bytes;
    },
    settle: (bytes) => {
      owed -= bytes;
      if (owed >= limitBytes) return;
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
    isOver: () => owed >= limitBytes,
    onceUnder: (callback) => {
      waiting.push(callback);
    },
  };
}

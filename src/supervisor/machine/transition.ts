import { onEndAsked, onStartAsked } from './asked.ts';
import {
  onDrained,
  onExited,
  onGone,
  onHealth,
  onLaunched,
  onLaunchFailed,
  onPhase,
  onProbePassed,
  onProbeRefused,
  onRemoveFailed,
} from './engine-events.ts';
import { stay } from './enter.ts';
import { onTimer } from './timer.ts';
import type { Machine, SupervisorEvent, Transition } from './types.ts';

/**
 * The supervisor's only decision maker; pure. Each state but stopped and given-up has a deadline, after which it moves
 * on by itself:
 *
 *   stopped      a person: start
 *   starting     launched, then probe-passed → ready; exited, launch-failed, refused, start timeout → stopping
 *   ready        exited → stopping(crash); unhealthy → suspect; asked → draining or stopping
 *   suspect      healthy → ready; exited → stopping(crash); suspect timeout → stopping(hung)
 *   draining     drained or drain deadline → stopping
 *   stopping     exited → removal; each rung has its time; gone → stopped, starting, backing-off or given-up
 *   backing-off  the wait is over → starting
 *   given-up     a person: start or stop
 */
export function transition(machine: Machine, event: SupervisorEvent): Transition {
  if ('incarnation' in event && event.incarnation !== machine.incarnation) return stay(machine);
  switch (event.type) {
    case 'start-asked':
      return onStartAsked(machine, event.at);
    case 'stop-asked':
      return onEndAsked(machine, event.at, { kind: 'stop', reason: event.reason });
    case 'restart-asked':
      return onEndAsked(machine, event.at, { kind: 'restart', reason: event.reason });
    case 'timer':
      return event.token === machine.timer ? onTimer(machine, event.at) : stay(machine);
    case 'launched':
      return onLaunched(machine, event);
    case 'launch-failed':
      return onLaunchFailed(machine, event);
    case 'phase':
      return onPhase(machine, event);
    case 'probe-passed':
      return onProbePassed(machine, event);
    case 'probe-refused':
      return onProbeRefused(machine, event);
    case 'health':
      return onHealth(machine, event);
    case 'drained':
      return onDrained(machine, event);
    case 'exited':
      return onExited(machine, event);
    case 'gone':
      return onGone(machine, event);
    case 'remove-failed':
      return onRemoveFailed(machine, event);
  }
}

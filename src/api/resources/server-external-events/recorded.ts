import type { ExternalEvent } from '#bus'

const powerActions: Readonly<Record<string, string>> = { POWER_ON: 'start', POWER_OFF: 'stop' }

/** The action under which the user finds the event in his server's log; most events are none. */
export function recordedAs({ name, tag }: Pick<ExternalEvent, 'name' | 'tag'>): string | undefined {
  return name === 'power-update' && tag !== null && Object.hasOwn(powerActions, tag) ? powerActions[tag] : undefined
}

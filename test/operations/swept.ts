import type { SagaName } from '#bus'
import { sagas } from '#conductor'

/** The test that sweeps each saga. */
const sweptIn: Readonly<Record<SagaName, 'sweep' | 'moves-sweep' | 'reservation' | 'instance-ha'>> = {
  ...(Object.fromEntries(Object.keys(sagas).map(name => [name, 'sweep'])) as Record<SagaName, 'sweep'>),
  'reservation-place': 'reservation',
  'host-fence': 'instance-ha',
  'server-resize': 'moves-sweep',
  'server-confirm-resize': 'moves-sweep',
  'server-revert-resize': 'moves-sweep',
  'server-live-migrate': 'moves-sweep',
  'server-evacuate': 'moves-sweep',
}

/** Registered sagas that the named test must sweep and has no case for: a new saga that nobody thought of is one of them. */
export const unswept = (test: (typeof sweptIn)[SagaName], cases: readonly string[]): readonly string[] =>
  Object.entries(sweptIn)
    .filter(([name, where]) => where === test && !cases.includes(name))
    .map(([name]) => name)

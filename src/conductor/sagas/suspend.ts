import type { ServerTask } from '#bus'
import { startSpecOf } from '../shares.ts'
import { powerSaga } from './power.ts'

/** The guest's memory goes to disk; what fails leaves it running. */
export const serverSuspend = powerSaga<ServerTask>('server-suspend', {
  event: 'compute_suspend_instance',
  notices: ['instance.suspend.start', 'instance.suspend.end'],
  vmState: 'suspended',
  ask: (host, instance, _input, _d, c) => host.suspend({ id: instance.id }, { key: c.key }),
})

export const serverResume = powerSaga<ServerTask>('server-resume', {
  event: 'compute_resume_instance',
  notices: ['instance.resume.start', 'instance.resume.end'],
  vmState: 'active',
  isBoot: true,
  ask: async (host, instance, _input, d, c) => host.resume({ spec: await startSpecOf(d, instance) }, { key: c.key }),
})

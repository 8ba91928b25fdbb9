import { serviceSections } from './identity.ts'
import type { Infrastructure } from './infrastructure.ts'
import type { Place } from './place.ts'
import type { Programs } from './programs.ts'

export async function startPlacement(place: Place, programs: Programs, { database }: Infrastructure): Promise<void> {
  const file = place.configure('placement', 'placement.conf', {
    DEFAULT: { use_stderr: true },
    placement_database: { connection: database('placement') },
    api: { auth_strategy: 'keystone' },
    ...serviceSections(place, 'placement'),
  })
  await programs.run('placement-setup', 'placement-manage', `--config-file=${file}`, 'db', 'sync')
  programs.startApi('placement', '/usr/bin/placement-api')
}

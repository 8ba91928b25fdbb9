import type { SagaInputs } from '#bus'
import type { ConductorDeps } from '../deps.ts'
import { removeSnapshot } from '../images.ts'
import { imageSaga, settleSnapshot, toldOfImage } from '../snapshot.ts'

const event = 'compute_backup_instance'

/** Of this kind of backups of the server the newest stay, as many as `rotation` says; images of other owners are theirs. */
async function rotate(d: ConductorDeps, input: SagaInputs['server-backup']): Promise<void> {
  const { instanceId, backupType, rotation, imageOwner } = input
  const properties = { image_type: 'backup', backup_type: backupType, instance_uuid: instanceId }
  const backups = (await d.images.list('service', { properties })).filter(image => image.ownerId === imageOwner)
  for (const { id } of backups.slice(rotation)) {
    d.log.info({ instance_id: instanceId, image_id: id, rotation }, 'rotating a backup out')
    await removeSnapshot(d, id)
  }
}

/** createBackup: a snapshot, and then the oldest ones of its kind go. */
export const serverBackup = imageSaga<SagaInputs['server-backup']>('server-backup', event, 'image_backup')
  .step('rotation', (s, d) => rotate(d, s.input))
  .settled((s, outcome, tx, at) => settleSnapshot(s.input, event, outcome, tx, at))
  .telling(toldOfImage)

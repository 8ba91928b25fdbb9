import { growVolume, removeSnapshot, removeVolume } from './content.ts'
import { type Core, leaveMessage, taskOf } from './core.ts'
import type { VolumeRow } from './store/rows.ts'

const interrupted = new Error('the volume service was stopped')

/** What a volume is after its task was cut off; undefined: the task is done again. */
function cutOff(row: VolumeRow): VolumeRow | undefined {
  const kind = taskOf(row)?.kind
  if (kind === 'create') {
    const isUnfinished = row.file_name === null
    return { ...row, status: isUnfinished ? 'error' : row.status, task: null }
  }
  // The old content or the new: a file changes its content in one step.
  if (kind === 'revert') return { ...row, status: 'available', task: null }
  if (kind === 'reimage') return { ...row, status: 'error', previous_status: null, task: null }
  if (kind === 'upload') {
    return { ...row, status: row.previous_status ?? 'available', previous_status: null, task: null }
  }
  return undefined
}

/** Cleans up after a process that was killed: nothing stays half made, and what was to go goes. */
export async function recover(core: Core): Promise<void> {
  const { state, files, log, clock } = core
  const busy = state
    .table('volume_volumes')
    .all()
    .filter(row => row.task !== null)
  const stuck = state.table('volume_snapshots').all()
  const ended = busy.flatMap(row => cutOff(row) ?? [])
  await state.change(change => {
    for (const row of ended) change.put('volume_volumes', { ...row, updated_at_ms: clock.now() })
    for (const row of stuck.filter(row => row.status === 'creating')) {
      change.put('volume_snapshots', { ...row, status: 'error', updated_at_ms: clock.now() })
    }
  })
  for (const row of ended) log.warn({ volume_id: row.id, status: row.status }, 'interrupted work on a volume has ended')
  for (const row of ended.filter(row => row.status === 'error')) {
    await leaveMessage(core, { id: row.id, project_id: row.project_id, type: 'VOLUME' }, 'create', interrupted)
  }
  const named = new Set(
    [...state.table('volume_volumes').all(), ...state.table('volume_snapshots').all()].flatMap(r => r.file_name ?? []),
  )
  for (const file of await files.prepare(named)) log.warn({ file }, 'removed a file that no volume names')
  for (const row of busy) {
    const task = taskOf(row)
    if (task?.kind === 'delete') removeVolume(core, row)
    if (task?.kind === 'extend') growVolume(core, row, task.sizeGiB, task.serverIds)
  }
  for (const row of stuck.filter(row => row.status === 'deleting')) removeSnapshot(core, row)
}

import type { EventType } from '../events.ts'

/** Actions on servers that are called otherwise without versions; null: they have no such notification. */
const actions: Readonly<Record<string, string | null>> = {
  interface_attach: null,
  interface_detach: null,
  lock: null,
  unlock: null,
  share_attach: null,
  share_detach: null,
  volume_swap: null,
  live_migration_abort: 'live.migration.abort',
  live_migration_force_complete: 'live.migration.force.complete',
  live_migration_post: 'live_migration._post',
  live_migration_post_dest: 'live_migration.post.dest',
  live_migration_pre: 'live_migration.pre',
  live_migration_rollback: 'live_migration._rollback',
  live_migration_rollback_dest: 'live_migration.rollback.dest',
  rebuild_scheduled: 'rebuild.scheduled',
  resize_confirm: 'resize.confirm',
  resize_finish: 'finish_resize',
  resize_prep: 'resize.prep',
  resize_revert: 'resize.revert',
  volume_attach: 'volume.attach',
  volume_detach: 'volume.detach',
}

/** `instance.resize_prep.start` -> `compute.instance.resize.prep.start`; undefined: there is none. */
export function instanceEventName(event: EventType): string | undefined {
  const [, action = '', phase] = event.split('.')
  const name = actions[action] === undefined ? action : actions[action]
  if (name === null) return undefined
  // Of volumes only the end is told, and not as one.
  if (name.startsWith('volume.')) return phase === 'end' ? `compute.instance.${name}` : undefined
  return ['compute.instance', name, ...(phase === undefined ? [] : [phase])].join('.')
}

/** Those whose payload tells the addresses. */
export const tellsAddresses: ReadonlySet<string> = new Set<EventType>([
  'instance.create.end',
  'instance.rebuild.end',
  'instance.rescue.start',
  'instance.rescue.end',
  'instance.unrescue.start',
  'instance.unrescue.end',
  'instance.resize.start',
  'instance.resize.end',
  'instance.resize_confirm.end',
  'instance.resize_finish.start',
  'instance.resize_finish.end',
  'instance.live_migration_post.start',
  'instance.live_migration_post.end',
  'instance.live_migration_post_dest.start',
  'instance.live_migration_post_dest.end',
  'instance.live_migration_pre.start',
  'instance.live_migration_pre.end',
  'instance.live_migration_rollback_dest.start',
  'instance.live_migration_rollback_dest.end',
])

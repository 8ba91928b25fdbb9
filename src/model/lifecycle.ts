/**
 * What may be asked of a server, and when: one table. The 409s, the manual page and the exhaustive test are read from it.
 *
 * `vm` lists the allowed vm_states, `task` the allowed task_states (`idle` = must be null), `launched` whether the server
 * must have run once, `lock` whether a lock refuses it, `host` whether a host is needed, `doing` the task_state it sets.
 */

export const vmStates = [
  'active',
  'building',
  'paused',
  'suspended',
  'stopped',
  'rescued',
  'resized',
  'soft-delete',
  'deleted',
  'error',
  'shelved',
  'shelved_offloaded',
] as const
export type VmState = (typeof vmStates)[number]

export const taskStates = [
  'scheduling',
  'block_device_mapping',
  'networking',
  'spawning',
  'image_snapshot',
  'image_snapshot_pending',
  'image_pending_upload',
  'image_uploading',
  'image_backup',
  'updating_password',
  'resize_prep',
  'resize_migrating',
  'resize_migrated',
  'resize_finish',
  'resize_reverting',
  'resize_confirming',
  'rebooting',
  'reboot_pending',
  'reboot_started',
  'rebooting_hard',
  'reboot_pending_hard',
  'reboot_started_hard',
  'pausing',
  'unpausing',
  'suspending',
  'resuming',
  'powering-off',
  'powering-on',
  'rescuing',
  'unrescuing',
  'rebuilding',
  'rebuild_block_device_mapping',
  'rebuild_spawning',
  'migrating',
  'deleting',
  'soft-deleting',
  'restoring',
  'shelving',
  'shelving_image_pending_upload',
  'shelving_image_uploading',
  'shelving_offloading',
  'unshelving',
] as const
export type TaskState = (typeof taskStates)[number]

export interface Rule {
  readonly vm: readonly VmState[] | 'any'
  readonly task: 'idle' | 'any' | readonly (TaskState | null)[]
  readonly launched: boolean
  readonly lock: boolean
  readonly host: boolean
  readonly doing: TaskState | null
  /** Name in the instance actions log; null when the action is not recorded there. */
  readonly recorded: string | null
}

const rule = (
  vm: Rule['vm'],
  task: Rule['task'],
  doing: TaskState | null,
  recorded: string | null,
  more: Partial<Rule> = {},
): Rule => ({
  vm,
  task,
  doing,
  recorded,
  launched: true,
  lock: true,
  host: false,
  ...more,
})

/** A hard reboot interrupts these. */
const interruptibleByHardReboot: readonly (TaskState | null)[] = [
  null,
  'rebooting',
  'reboot_pending',
  'reboot_started',
  'resuming',
  'rebooting_hard',
  'unpausing',
  'pausing',
  'suspending',
]

/** A console needs a guest that stays where it is. */
const notGoingAway: readonly (TaskState | null)[] = [
  null,
  ...taskStates.filter(task => task !== 'deleting' && task !== 'migrating'),
]

/** Guests that have something to copy: running, off, or held. */
const withDisk: readonly VmState[] = ['active', 'stopped', 'paused', 'suspended']

/** Volumes may come and go in these; the shelved ones since 2.20, which the operations ask for by name. */
const withVolumes: readonly VmState[] = [
  'active',
  'paused',
  'stopped',
  'resized',
  'soft-delete',
  'shelved',
  'shelved_offloaded',
]

/** Neither locked nor launched matter to what only looks, or to what an operator does to the record. */
const unguarded = { lock: false, launched: false } as const

export const lifecycle = {
  delete: rule('any', 'any', 'deleting', 'delete', { launched: false }),
  softDelete: rule('any', 'any', 'soft-deleting', 'delete'),
  forceDelete: rule('any', 'any', 'deleting', 'delete', { launched: false }),
  restore: rule(['soft-delete'], 'idle', 'restoring', 'restore'),
  start: rule(['stopped'], 'idle', 'powering-on', 'start', { host: true }),
  stop: rule(['active', 'error'], 'idle', 'powering-off', 'stop', { host: true }),
  rebootSoft: rule(['active'], 'idle', 'rebooting', 'reboot'),
  rebootHard: rule(
    ['active', 'stopped', 'paused', 'suspended', 'error'],
    interruptibleByHardReboot,
    'rebooting_hard',
    'reboot',
  ),
  pause: rule(['active'], 'idle', 'pausing', 'pause'),
  unpause: rule(['paused'], 'idle', 'unpausing', 'unpause'),
  suspend: rule(['active'], 'idle', 'suspending', 'suspend'),
  resume: rule(['suspended'], 'idle', 'resuming', 'resume'),
  rescue: rule(['active', 'stopped', 'error'], 'idle', 'rescuing', 'rescue'),
  unrescue: rule(['rescued'], 'idle', 'unrescuing', 'unrescue'),
  changePassword: rule(['active'], 'idle', 'updating_password', 'changePassword'),
  rebuild: rule(['active', 'stopped', 'error'], 'idle', 'rebuilding', 'rebuild'),
  resize: rule(['active', 'stopped'], 'idle', 'resize_prep', 'resize', { host: true }),
  migrate: rule(['active', 'stopped'], 'idle', 'resize_prep', 'migrate', { host: true }),
  confirmResize: rule(['resized'], 'idle', null, 'confirmResize'),
  revertResize: rule(['resized'], 'idle', 'resize_reverting', 'revertResize'),
  liveMigrate: rule(['active', 'paused'], 'idle', 'migrating', 'live-migration'),
  forceCompleteLiveMigration: rule(['active'], ['migrating'], null, 'live_migration_force_complete'),
  abortLiveMigration: rule('any', ['migrating'], null, 'live_migration_cancel'),
  evacuate: rule(['active', 'stopped', 'error'], 'any', 'rebuilding', 'evacuate', { lock: false }),
  shelve: rule(withDisk, 'idle', 'shelving', 'shelve'),
  shelveOffload: rule(['shelved'], 'idle', 'shelving_offloading', 'shelveOffload'),
  unshelve: rule(['shelved', 'shelved_offloaded'], 'idle', 'unshelving', 'unshelve'),
  createImage: rule(withDisk, 'idle', 'image_snapshot_pending', 'createImage', { lock: false }),
  createBackup: rule(withDisk, 'idle', 'image_backup', 'createBackup', { lock: false }),
  triggerCrashDump: rule(['active', 'paused', 'rescued', 'resized', 'error'], 'idle', null, 'trigger_crash_dump', {
    host: true,
  }),
  attachVolume: rule(withVolumes, 'idle', null, 'attach_volume'),
  detachVolume: rule(withVolumes, 'idle', null, 'detach_volume'),
  swapVolume: rule(['active', 'paused', 'resized'], 'idle', null, 'swap_volume'),
  attachInterface: rule(['active', 'paused', 'stopped'], 'idle', null, 'attach_interface'),
  detachInterface: rule(['active', 'paused', 'stopped'], 'idle', null, 'detach_interface'),
  changeFixedIp: rule('any', 'any', null, null, { launched: false }),
  injectNetworkInfo: rule('any', 'any', null, null, { launched: false }),
  changeMetadata: rule(['active', 'paused', 'suspended', 'stopped'], 'any', null, null),
  changeTags: rule(['active', 'paused', 'suspended', 'stopped'], 'any', null, null, unguarded),
  attachShare: rule(['stopped'], 'any', null, 'attach_share', unguarded),
  detachShare: rule(['stopped', 'error'], 'any', null, 'detach_share', unguarded),
  consoleOutput: rule('any', 'any', null, null, { ...unguarded, host: true }),
  console: rule('any', notGoingAway, null, null, { ...unguarded, host: true }),
  diagnostics: rule('any', 'any', null, null, { ...unguarded, host: true }),
  lock: rule('any', 'any', null, 'lock', unguarded),
  unlock: rule('any', 'any', null, 'unlock', unguarded),
  resetState: rule('any', 'any', null, 'resetState', unguarded),
} as const satisfies Record<string, Rule>

export type ActionName = keyof typeof lifecycle

/** What the rules look at. */
export interface Situation {
  readonly vmState: VmState
  readonly taskState: TaskState | null
  readonly hasLaunched: boolean
  readonly isLocked: boolean
  readonly hasHost: boolean
}

export type Refusal =
  | { readonly why: 'locked' }
  | { readonly why: 'vm_state'; readonly state: VmState }
  | { readonly why: 'task_state'; readonly state: TaskState | null }
  | { readonly why: 'launched_at' }
  | { readonly why: 'no_host' }

/**
 * Why the action is not allowed now, or undefined. The order is Nova's: lock, host, vm_state, task_state, launched.
 * An admin passes locks.
 */
export function refusal(action: ActionName, at: Situation, isAdmin: boolean): Refusal | undefined {
  const r: Rule = lifecycle[action]
  if (r.lock && at.isLocked && !isAdmin) return { why: 'locked' }
  if (r.host && !at.hasHost) return { why: 'no_host' }
  if (r.vm !== 'any' && !r.vm.includes(at.vmState)) return { why: 'vm_state', state: at.vmState }
  if (r.task === 'idle' && at.taskState !== null) return { why: 'task_state', state: at.taskState }
  if (typeof r.task === 'object' && !r.task.includes(at.taskState)) return { why: 'task_state', state: at.taskState }
  if (r.launched && !at.hasLaunched) return { why: 'launched_at' }
  return undefined
}

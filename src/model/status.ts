import { type TaskState, taskStates, type VmState, vmStates } from './lifecycle.ts'

/** The status word of the API from vm_state and task_state; reference: states.md, section 3. */

const defaults: Record<VmState, string> = {
  active: 'ACTIVE',
  building: 'BUILD',
  paused: 'PAUSED',
  suspended: 'SUSPENDED',
  stopped: 'SHUTOFF',
  rescued: 'RESCUE',
  resized: 'VERIFY_RESIZE',
  'soft-delete': 'SOFT_DELETED',
  deleted: 'DELETED',
  error: 'ERROR',
  shelved: 'SHELVED',
  shelved_offloaded: 'SHELVED_OFFLOADED',
}

const resizing = {
  resize_prep: 'RESIZE',
  resize_migrating: 'RESIZE',
  resize_migrated: 'RESIZE',
  resize_finish: 'RESIZE',
}
const rebuilding = { rebuilding: 'REBUILD', rebuild_block_device_mapping: 'REBUILD', rebuild_spawning: 'REBUILD' }

const byTask: Partial<Record<VmState, Partial<Record<TaskState, string>>>> = {
  active: {
    rebooting: 'REBOOT',
    reboot_pending: 'REBOOT',
    reboot_started: 'REBOOT',
    rebooting_hard: 'HARD_REBOOT',
    reboot_pending_hard: 'HARD_REBOOT',
    reboot_started_hard: 'HARD_REBOOT',
    updating_password: 'PASSWORD',
    migrating: 'MIGRATING',
    ...rebuilding,
    ...resizing,
  },
  stopped: { ...resizing, ...rebuilding },
  resized: { resize_reverting: 'REVERT_RESIZE' },
  paused: { migrating: 'MIGRATING' },
  error: rebuilding,
}

export const statusOf = (vmState: VmState, taskState: TaskState | null): string =>
  (taskState === null ? undefined : byTask[vmState]?.[taskState]) ?? defaults[vmState]

/** What `?status=X` selects: vm_states, and task_states unless some matching entry is a default. Undefined: no such status. */
export function statesOfStatus(status: string): { vm: VmState[]; task: TaskState[] | 'any' } | undefined {
  const wanted = status.toUpperCase()
  const vm = new Set<VmState>()
  const task = new Set<TaskState>()
  let isDefault = false
  for (const state of vmStates) {
    if (defaults[state] === wanted) {
      vm.add(state)
      isDefault = true
    }
    for (const t of taskStates) {
      if (byTask[state]?.[t] === wanted) {
        vm.add(state)
        task.add(t)
      }
    }
  }
  if (vm.size === 0) return undefined
  return { vm: [...vm], task: isDefault ? 'any' : [...task] }
}

/** Statuses in which a server shows `progress`. */
export const showsProgress = (status: string): boolean =>
  ['ACTIVE', 'BUILD', 'REBUILD', 'RESIZE', 'VERIFY_RESIZE', 'MIGRATING'].includes(status)

export const showsFault = (status: string): boolean => status === 'ERROR' || status === 'DELETED'

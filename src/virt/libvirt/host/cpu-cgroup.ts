import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/*
 * Limits of guests' processors need a place in the kernel's CPU controller. Daemons of one machine would name the groups of
 * their guests alike, so each private one gets a group of its own, which its namespace sees as the root of the controller.
 * Only for version 1 of the controller: version 2 has one tree for all of them.
 */
const controller = '/sys/fs/cgroup/cpu'
const marker = 'cpu-cgroup'

/** The group of the daemons of this folder, made; undefined where the machine has no such controller for us. */
export function makeCpuCgroup(stateDir: string): string | undefined {
  rmSync(join(stateDir, marker), { force: true })
  if (!existsSync(join(controller, 'cpu.shares'))) return undefined
  const group = join(controller, `nova-${createHash('sha256').update(stateDir).digest('hex').slice(0, 12)}`)
  try {
    mkdirSync(group, { recursive: true })
  } catch {
    // Mounted for reading, or not ours to change: guests then have no limits, and those that want some are refused.
    return undefined
  }
  writeFileSync(join(stateDir, marker), group)
  return group
}

/** Whether the daemons of this folder were started with a group. */
export const hasCpuCgroup = (stateDir: string): boolean => existsSync(join(stateDir, marker))

/** When nobody of the daemons and guests is left. */
export function removeCpuCgroup(stateDir: string): void {
  if (!hasCpuCgroup(stateDir)) return
  const group = readFileSync(join(stateDir, marker), 'utf8')
  if (group.startsWith(`${controller}/nova-`)) removeTree(group)
}

/** The kernel removes a group's files with it; groups below it must go before. */
function removeTree(group: string): void {
  if (!existsSync(group)) return
  for (const entry of readdirSync(group, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(group, entry.name))
  try {
    rmdirSync(group)
  } catch {
    // A process that is just ending is still in it; an empty group hurts nobody, and the next start uses it again.
  }
}

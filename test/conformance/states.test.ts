import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ActionName, lifecycle, refusal, type Situation, taskStates, vmStates } from '#model'

/**
 * Every action in every vm_state and task_state, locked or not, launched or not, with a host or without, asked by an
 * administrator or not: the lifecycle table gives the answer that the reference's table of preconditions gives.
 */
interface Preconditions {
  readonly locks: boolean
  /** States by name, or `any`. */
  readonly vm: string
  /** `idle`, `any`, states by name; with `!` in front all but these. */
  readonly task: string
  readonly launched: boolean
  readonly host: boolean
  readonly sets: string | null
  readonly records: string | null
}

const table: Readonly<Record<string, Preconditions>> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'reference', 'actions.json'), 'utf8'),
)

function allowsTask(task: string, state: string | null): boolean {
  if (task === 'any') return true
  const word = state ?? 'idle'
  if (task.startsWith('!')) return !task.slice(1).split(' ').includes(word)
  return task.split(' ').includes(word)
}

/** Nova looks at the lock first, then for a host, then at vm_state, task_state and whether it ever ran. */
function expected(rule: Preconditions, at: Situation, isAdmin: boolean): string {
  if (rule.locks && at.isLocked && !isAdmin) return 'locked'
  if (rule.host && !at.hasHost) return 'no_host'
  if (rule.vm !== 'any' && !rule.vm.split(' ').includes(at.vmState)) return 'vm_state'
  if (!allowsTask(rule.task, at.taskState)) return 'task_state'
  return rule.launched && !at.hasLaunched ? 'launched_at' : 'allowed'
}

const both = [false, true]

function* situations(): Generator<Situation> {
  for (const vmState of vmStates)
    for (const taskState of [null, ...taskStates])
      for (const isLocked of both)
        for (const hasLaunched of both)
          for (const hasHost of both) yield { vmState, taskState, isLocked, hasLaunched, hasHost }
}

test('the two tables know the same actions', () => {
  assert.deepEqual(Object.keys(lifecycle).sort(), Object.keys(table).sort())
})

for (const [action, rule] of Object.entries(table)) {
  test(`when ${action} is allowed, what it sets and what it records`, () => {
    const name = action as ActionName
    for (const at of situations()) {
      for (const isAdmin of both) {
        const found = refusal(name, at, isAdmin)?.why ?? 'allowed'
        assert.equal(found, expected(rule, at, isAdmin), JSON.stringify({ action, ...at, isAdmin }))
      }
    }
    assert.equal(lifecycle[name].doing, rule.sets)
    assert.equal(lifecycle[name].recorded, rule.records)
  })
}

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { instanceId } from '#base'
import { type ActionName, lifecycle, type PowerState, type TaskState, type VmState, vmStates } from '#model'
import type { Answer } from '../api/answer.ts'
import type { Json } from '../api/harness.ts'
import { openWorld, type World } from './samples/world.ts'

/**
 * What the API answers where the lifecycle table refuses: each action, in every vm_state, idle and with tasks, locked by
 * its owner or by an administrator or not, gets the 409 in Nova's words, and the record stays as it was. What the table
 * itself says is states.test.ts.
 */
interface Request {
  readonly method: string
  /** Below `/servers/{id}`. */
  readonly path: string
  readonly body?: Json
  readonly version?: string
  /** How the action is called in a 409. */
  readonly word: string
}

const action = (name: string, value: Json, word: string, version?: string): Request => ({
  method: 'POST',
  path: '/action',
  body: { [name]: value },
  word,
  ...(version === undefined ? {} : { version }),
})

/** Only administrators may do these, and they pass locks. */
const forAdmins = new Set<string>(['shelveOffload', 'evacuate', 'injectNetworkInfo', 'liveMigrate', 'migrate'])

const requests = (
  w: World,
  volumes: readonly [string, string],
  portId: string,
): Partial<Record<ActionName, Request>> => ({
  restore: action('restore', null, 'restore'),
  start: action('os-start', null, 'start'),
  stop: action('os-stop', null, 'stop'),
  rebootSoft: action('reboot', { type: 'SOFT' }, 'reboot'),
  rebootHard: action('reboot', { type: 'HARD' }, 'reboot'),
  pause: action('pause', null, 'pause'),
  unpause: action('unpause', null, 'unpause'),
  suspend: action('suspend', null, 'suspend'),
  resume: action('resume', null, 'resume'),
  rescue: action('rescue', null, 'rescue'),
  unrescue: action('unrescue', null, 'unrescue'),
  changePassword: action('changePassword', { adminPass: 'x' }, 'changePassword'),
  rebuild: action('rebuild', { imageRef: w.imageId }, 'rebuild'),
  resize: action('resize', { flavorRef: '2' }, 'resize'),
  migrate: action('migrate', null, 'migrate', '2.1'),
  confirmResize: action('confirmResize', null, 'confirmResize'),
  revertResize: action('revertResize', null, 'revertResize'),
  liveMigrate: action('os-migrateLive', { host: null, block_migration: 'auto' }, 'os-migrateLive'),
  shelve: action('shelve', null, 'shelve'),
  shelveOffload: action('shelveOffload', null, 'shelveOffload'),
  unshelve: action('unshelve', null, 'unshelve', '2.1'),
  createImage: action('createImage', { name: 'x' }, 'createImage'),
  createBackup: action('createBackup', { name: 'x', backup_type: 'daily', rotation: 1 }, 'createBackup'),
  triggerCrashDump: action('trigger_crash_dump', null, 'trigger_crash_dump'),
  attachVolume: {
    method: 'POST',
    path: '/os-volume_attachments',
    body: { volumeAttachment: { volumeId: volumes[1] } },
    word: 'attach_volume',
  },
  detachVolume: { method: 'DELETE', path: `/os-volume_attachments/${volumes[0]}`, word: 'detach_volume' },
  attachInterface: {
    method: 'POST',
    path: '/os-interface',
    body: { interfaceAttachment: { net_id: w.networkId } },
    word: 'attach_interface',
  },
  detachInterface: { method: 'DELETE', path: `/os-interface/${portId}`, word: 'detach_interface' },
  changeMetadata: { method: 'POST', path: '/metadata', body: { metadata: { a: 'b' } }, word: 'update metadata' },
  delete: { method: 'DELETE', path: '', word: 'delete' },
  forceDelete: action('forceDelete', null, 'forceDelete'),
  softDelete: { method: 'DELETE', path: '', word: 'delete' },
})

const tasks: readonly (TaskState | null)[] = [null, 'spawning', 'migrating', 'deleting', 'image_uploading']
const locks = [null, 'owner', 'admin'] as const

interface Forced {
  readonly vmState: VmState
  readonly taskState: TaskState | null
  readonly lockedBy: (typeof locks)[number]
}

/** The 409 of a member; undefined where the action is allowed. */
function expected(name: ActionName, word: string, id: string, at: Forced): string | undefined {
  const rule = lifecycle[name] as (typeof lifecycle)[ActionName]
  const cannot = (attr: string, state: string | null) =>
    `Cannot '${word}' instance ${id} while it is in ${attr} ${state === null ? 'None' : state}`
  if (rule.lock && at.lockedBy !== null && !forAdmins.has(name)) return `Instance ${id} is locked`
  if (rule.vm !== 'any' && !(rule.vm as readonly VmState[]).includes(at.vmState)) return cannot('vm_state', at.vmState)
  if (rule.task === 'idle' && at.taskState !== null) return cannot('task_state', at.taskState)
  if (typeof rule.task === 'object' && !(rule.task as readonly (TaskState | null)[]).includes(at.taskState))
    return cannot('task_state', at.taskState)
  return undefined
}

describe('refusals', { concurrency: false }, () => {
  let world: World
  let id: string
  let all: Partial<Record<ActionName, Request>>
  before(async () => {
    world = await openWorld()
    id = await world.server()
    const attached = await world.attached(id)
    const { interfaceAttachments } = (await world.ask('GET', `/servers/${id}/os-interface`)).expect(200).body
    all = requests(world, [attached, await world.volume()], interfaceAttachments[0].port_id)
  })
  after(async () => {
    await force({ vmState: 'active', taskState: null, lockedBy: null })
    await world.close()
  })

  async function force(at: Forced): Promise<void> {
    const powerState: PowerState = at.vmState === 'stopped' ? 4 : 1
    const change = { ...at, powerState, lockedReason: null, sagaId: null }
    await world.cloud.store.instances.change(instanceId(id), change, Date.now())
  }

  const ask = (name: ActionName, { method, path, body, version }: Request): Promise<Answer> =>
    world.ask(method, `/servers/${id}${path}`, {
      as: forAdmins.has(name) ? world.cloud.admin : world.plainUser,
      ...(version === undefined ? {} : { version }),
      ...(body === undefined ? {} : { body }),
    })

  async function refusedEverywhere(name: ActionName): Promise<number> {
    const request = all[name]
    assert.ok(request !== undefined)
    let refused = 0
    for (const vmState of vmStates) {
      // A deleted server is a 404 before any rule is asked.
      if (vmState === 'deleted') continue
      for (const taskState of tasks) {
        for (const lockedBy of locks) {
          const at: Forced = { vmState, taskState, lockedBy }
          const words = expected(name, request.word, id, at)
          if (words === undefined) continue
          await force(at)
          const before = await world.cloud.store.instances.get(id)
          const answer = await ask(name, request)
          assert.deepEqual([answer.status, answer.fault.message], [409, words], `${name} ${JSON.stringify(at)}`)
          assert.deepEqual(await world.cloud.store.instances.get(id), before, 'the record stays as it was')
          refused++
        }
      }
    }
    return refused
  }

  // The names alone; what they need is known when the cloud is there.
  const names = Object.keys(requests({} as World, ['', ''], '')) as ActionName[]
  for (const name of names) {
    test(`${name} is refused in Nova's words wherever the table refuses it`, async () => {
      assert.ok((await refusedEverywhere(name)) > 0)
    })
  }
})

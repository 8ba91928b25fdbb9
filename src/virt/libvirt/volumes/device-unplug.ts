import type { InstanceId } from '#base'
import type { GuestContext } from '../guest/guest-context.ts'
import { domainById, errorCode, isLibvirtError, procedures } from '../rpc/index.ts'
import { nodeAt, renderNode, type XmlNode } from '../xml-tree.ts'
import { DeviceDetachFailed } from './volume-faults.ts'

/** virDomainModificationImpact */
export const affect = { live: 1, config: 2 } as const
export type DevicePlace = keyof typeof affect

/** Looks the device up as it is now; undefined when it is gone. */
export type FindDevice = (place: DevicePlace) => Promise<XmlNode | undefined>

/** Asks once. False when there is no such device. */
async function ask(context: GuestContext, id: InstanceId, find: FindDevice, place: DevicePlace): Promise<boolean> {
  const device = await find(place)
  if (device === undefined) return false
  const request = { domain: domainById(id), xml: renderNode(device), flags: affect[place] }
  try {
    await context.client.call(procedures.detachDevice, request, 'long')
  } catch (error) {
    if (isLibvirtError(error, errorCode.deviceMissing)) return false
    // The request before this one is still with the guest.
    if (place === 'config' || !isLibvirtError(error, errorCode.operationFailed, errorCode.internal)) throw error
  }
  return true
}

export const removeFromDefinition = async (context: GuestContext, id: InstanceId, find: FindDevice): Promise<void> => {
  await ask(context, id, find, 'config')
}

/** Takes a device from the running guest, which must let go of it; throws `DeviceDetachFailed` when it does not. */
export async function unplug(context: GuestContext, id: InstanceId, name: string, find: FindDevice): Promise<void> {
  const { attempts } = context.detachPatience
  for (let attempt = 0; attempt < attempts; attempt++) {
    const device = await find('live')
    if (device === undefined) return
    const alias = nodeAt(device, 'alias')?.attributes['name'] ?? ''
    const answer = answerOf(context, id, alias, find)
    try {
      if (!(await ask(context, id, find, 'live'))) return
      const result = await answer.result
      if (result === 'gone') return
      if (result === 'refused') throw DeviceDetachFailed({ device: name, reason: 'the guest refuses to release it' })
    } finally {
      answer.end()
    }
  }
  throw DeviceDetachFailed({ device: name, reason: `the guest has not released it after ${attempts} requests` })
}

type Answer = 'gone' | 'refused' | 'none'

/** What comes of a request; listens from before it is made, so that no answer is missed. */
function answerOf({ client, clock, detachPatience }: GuestContext, id: InstanceId, alias: string, find: FindDevice) {
  let settle: (answer: Answer) => void = () => undefined
  let fail: (error: Error) => void = () => undefined
  const result = new Promise<Answer>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  // Whoever asked may have failed before it came to wait.
  result.catch(() => undefined)
  const look = () =>
    void find('live').then(
      device => {
        if (device === undefined) settle('gone')
      },
      (error: unknown) => (isLibvirtError(error) ? settle('gone') : fail(error as Error)),
    )
  const unsubscribe = client.onEvent(event => {
    if (event.kind === 'reconnected') return look()
    if (event.domain.uuid !== id) return
    if (event.kind === 'device-removal-failed' && event.alias === alias) settle('refused')
    else look()
  })
  const cancelTimer = clock.after(detachPatience.timeoutMs, () => settle('none'))
  const end = () => {
    unsubscribe()
    cancelTimer()
  }
  return { result, end }
}

import { type Instance, InstanceInvalidState, type VmState, withImageProperties } from '#model'
import { turnOf } from '#store'
import type { ManageWorld } from '../manage-world.ts'
import type { FoundServer } from './find.ts'

/** A server whose guest is not there: the next one is made with the new machine. */
const atRest: readonly VmState[] = ['stopped', 'shelved', 'shelved_offloaded']

const refusal = ({ id, vmState, taskState }: Instance, action: string) =>
  atRest.includes(vmState)
    ? InstanceInvalidState({ id, attr: 'task_state', state: taskState, action })
    : InstanceInvalidState({ id, attr: 'vm_state', state: vmState, action })

interface Options {
  /** For the message of the refusal. */
  readonly action: string
  /** In any state. */
  readonly force?: boolean
}

/** Throws `InstanceInvalidState` where the server is not at rest. */
export function mustRest(instance: Instance, action: string): void {
  if (!atRest.includes(instance.vmState) || instance.taskState !== null) throw refusal(instance, action)
}

/** The server's machine is another one from its next start on, and of its moves. */
export async function setImageProperties(
  { clock }: ManageWorld,
  { store, instance: { id } }: FoundServer,
  properties: Readonly<Record<string, string>>,
  { action, force = false }: Options,
): Promise<void> {
  await store.transaction(async tx => {
    await tx.turn(turnOf.server(id))
    const instance = await tx.instances.get(id)
    if (!force) mustRest(instance, action)
    const expected = force ? {} : { vmState: instance.vmState, taskState: null }
    const change = withImageProperties(instance, properties)
    if (!(await tx.instances.change(id, change, clock.now(), expected))) throw refusal(instance, action)
    const spec = await tx.requestSpecs.find(id)
    if (spec === undefined || spec.image === null) return
    const image = { ...spec.image, properties: { ...spec.image.properties, ...properties } }
    await tx.requestSpecs.save(id, { ...spec, image })
  })
}

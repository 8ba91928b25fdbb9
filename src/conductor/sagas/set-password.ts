import { instanceId } from '#base'
import type { ServerTask } from '#bus'
import { type Instance, InstanceNotReady, PasswordSetFailed, withServerPassword } from '#model'
import { saga } from '#saga'
import type { Store } from '#store'
import { GuestInWrongState, HypervisorError } from '#virt'
import type { ConductorDeps } from '../deps.ts'
import { encryptForKey } from '../encrypt-for-key.ts'
import { guestImage } from '../guest-spec.ts'
import { hostClient, unlessAborted } from '../hosts.ts'
import { finishEvent, recordFault, startEvent } from '../records.ts'

const event = 'compute_set_admin_password'

/** Whose password it is, as the image says it. */
function userOf(instance: Instance): string {
  const { os_admin_user: user, os_type: system } = guestImage(instance).properties
  return user ?? (system === 'windows' ? 'Administrator' : 'root')
}

/** In Nova's words, where it has any. */
function told(id: string, error: unknown): unknown {
  if (GuestInWrongState.is(error))
    return PasswordSetFailed({ id, reason: `instance ${id} is not running` }, { cause: error })
  if (HypervisorError.is(error))
    return PasswordSetFailed({ id, reason: 'error setting admin password' }, { cause: error, detail: error.message })
  return error
}

/** Asks the agent in the guest. Nothing to take back: nobody knows the password it had before. */
export const serverSetPassword = saga<ConductorDeps, ServerTask, Store>('server-set-password')
  .step('guest', async (s, d, c) => {
    const instance = await d.store.instances.get(s.input.instanceId)
    const { id, host } = instance
    if (host === null) throw InstanceNotReady({ id })
    await startEvent(d.store, d.clock.now(), s.input, event, host)
    const password = (await d.store.launchSecrets.find(id))?.adminPassword ?? ''
    const call = hostClient(d, host).setPassword({ id, user: userOf(instance), password }, { key: c.key })
    await unlessAborted(c.signal, call).catch(error => {
      throw told(id, error)
    })
    // For whoever has the server's key, as a password that the guest had made itself.
    const encrypted = instance.key === null ? undefined : encryptForKey(instance.key.publicKey, password)
    return { host, encrypted: encrypted ?? null }
  })
  .settled(async (s, outcome, tx, { sagaId, nowMs }) => {
    const id = instanceId(s.input.instanceId)
    await tx.launchSecrets.forget(id)
    const failure = outcome.status === 'undone' ? outcome.failure : undefined
    await finishEvent(tx, nowMs, s.input, event, failure)
    const instance = await tx.instances.find(id)
    if (typeof s.guest?.encrypted === 'string' && instance !== undefined) {
      const systemMetadata = withServerPassword(instance.systemMetadata, s.guest.encrypted)
      await tx.instances.change(id, { systemMetadata }, nowMs, { sagaId })
    }
    if (failure !== undefined) await recordFault(tx, nowMs, s.input, failure, s.guest?.host ?? null)
  })

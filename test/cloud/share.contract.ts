import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { before, test } from 'node:test'
import { newUuid, waitFor } from '#base'
import { type Caller, type Share, ShareAccessGrantError, ShareNotFound, type SharePort } from '#cloud'
import { newPerson, type World } from './world.ts'

const host = { type: 'ip', to: '192.0.2.7' } as const

export function shareContract(how: string, world: () => World): void {
  let shares: SharePort
  let owner: Caller
  let stranger: Caller
  let shareUrl: string

  const ask = async (as: Caller, method: string, path: string, body?: unknown) => {
    const reply = await fetch(`${shareUrl}${path}`, {
      method,
      headers: {
        'x-auth-token': as.token,
        'content-type': 'application/json',
        'x-openstack-manila-api-version': '2.82',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: reply.status, body: (await reply.text()) || 'null' }
  }
  const made = async (): Promise<Share> => {
    const { body } = await ask(owner, 'POST', '/shares', { share: { share_proto: 'nfs', size: 2, name: 'files' } })
    const { id } = (JSON.parse(body) as { share: { id: string } }).share
    const isThere = async () => {
      const share = await shares.get(owner, id)
      return share.status === 'available' ? share : undefined
    }
    return waitFor('the share', isThere, { deadlineMs: 60_000, everyMs: 5 })
  }

  before(async () => {
    const { admin, ports } = world()
    shares = ports.shares
    shareUrl = admin.urlOf('shared-file-system')
    owner = (await newPerson(world(), `share owner ${how}`)).caller
    stranger = (await newPerson(world(), `share stranger ${how}`)).caller
  })

  test(`${how}: a share in full, for its owner and for services`, async () => {
    const { id, exportLocation, ...share } = await made()
    assert.deepEqual(share, {
      status: 'available',
      name: 'files',
      sizeGiB: 2,
      projectId: owner.projectId,
      availabilityZone: 'nova',
      protocol: 'NFS',
    })
    assert.ok(exportLocation !== null && statSync(exportLocation).isDirectory())
    assert.equal((await shares.get('service', id)).exportLocation, exportLocation)
    await assert.rejects(shares.get(stranger, id), ShareNotFound.is)
    await assert.rejects(shares.get('service', newUuid()), ShareNotFound.is)
    await assert.rejects(shares.get('service', '../types/default'), ShareNotFound.is)
  })

  test(`${how}: a rule is made once, known by its grantee, and taken away as often as one likes`, async () => {
    const { id } = await made()
    assert.equal(await shares.access(id, host), undefined)
    const { id: ruleId, ...rule } = await shares.allow(id, host)
    assert.deepEqual(rule, { ...host, level: 'rw', state: 'active', key: null })
    await assert.rejects(shares.allow(id, host), ShareAccessGrantError.is)
    assert.equal((await shares.access(id, host))?.id, ruleId)
    assert.equal(await shares.access(id, { type: 'ip', to: '192.0.2.8' }), undefined)
    // Nobody but who made it sees for whom it is, or takes it or the share away.
    const list = await ask(owner, 'GET', `/share-access-rules?share_id=${id}`)
    assert.match(list.body, /"access_to":"\*{6}"/)
    const deny = { deny_access: { access_id: ruleId, unrestrict: true } }
    assert.equal((await ask(owner, 'POST', `/shares/${id}/action`, deny)).status, 403)
    assert.equal((await ask(owner, 'DELETE', `/shares/${id}`)).status, 409)
    for (let i = 0; i < 2; i++) await shares.deny(id, host)
    assert.equal(await shares.access(id, host), undefined)
    assert.equal((await ask(owner, 'DELETE', `/shares/${id}`)).status, 202)
  })

  test(`${how}: what is gone has no rules, and needs none to be taken away`, async () => {
    const nobody = newUuid()
    await assert.rejects(shares.access(nobody, host), ShareNotFound.is)
    await assert.rejects(shares.allow(nobody, host), ShareNotFound.is)
    await shares.deny(nobody, host)
  })
}

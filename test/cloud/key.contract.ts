import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newUuid } from '#base'
import { type Caller, KeyForbidden, KeyNotFound, type KeyPort } from '#cloud'

/** What a key manager must be like. `people`: two users of different projects. */
export function keyContract(
  how: string,
  world: () => { readonly keys: KeyPort; readonly people: readonly [Caller, Caller] },
  { tellsUsersApart }: { readonly tellsUsersApart: boolean },
): void {
  let keys: KeyPort
  let owner: Caller
  let stranger: Caller
  before(() => {
    const there = world()
    keys = there.keys
    ;[owner, stranger] = there.people
  })

  test(`${how}: a secret is made once, for its owner, and Nova may read it without him`, async () => {
    const name = `secret ${newUuid()}`
    const made = await keys.ensure(owner, name, 48)
    assert.match(Buffer.from(made.secret).toString(), /^[\w+/]{64}$/)
    assert.deepEqual(await keys.ensure(owner, name, 48), made)
    assert.deepEqual(await keys.get(owner, made.id), made)
    assert.deepEqual(await keys.get('service', made.id), made)
    assert.notEqual((await keys.ensure(owner, `${name} too`, 48)).id, made.id)
    await keys.share(owner, made.id)
    await keys.remove(owner, made.id)
    await keys.remove(owner, made.id)
    await assert.rejects(keys.get(owner, made.id), KeyNotFound.is)
    await assert.rejects(keys.get('service', made.id), KeyNotFound.is)
    assert.notDeepEqual((await keys.ensure(owner, name, 48)).secret, made.secret)
    await keys.forget(owner, name)
    await keys.forget(owner, name)
    await keys.forget(owner, `${name} too`)
  })

  test(`${how}: Nova's own secrets, and ids of nothing`, async () => {
    const name = `own ${newUuid()}`
    const { id } = await keys.ensure('service', name, 16)
    await keys.share('service', id)
    await keys.forget('service', name)
    await assert.rejects(keys.get('service', id), KeyNotFound.is)
    for (const nothing of [newUuid(), '../secrets']) {
      await assert.rejects(keys.get(owner, nothing), KeyNotFound.is)
      await assert.rejects(keys.share(owner, nothing), KeyNotFound.is)
    }
  })

  if (!tellsUsersApart) return
  test(`${how}: a secret is nobody else's`, async () => {
    const { id } = await keys.ensure(owner, `private ${newUuid()}`, 32)
    await assert.rejects(keys.get(stranger, id), KeyForbidden.is)
    await assert.rejects(keys.share(stranger, id), KeyForbidden.is)
    await assert.rejects(keys.remove(stranger, id), KeyForbidden.is)
    // Nova reads what it was given, and no more than that.
    await assert.rejects(keys.remove('service', id), KeyForbidden.is)
    await keys.remove(owner, id)
  })
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import { barbicanKeys, type Caller, fileKeys, type KeyPort } from '#cloud'
import { startBarbican } from './barbican.ts'
import { keyContract } from './key.contract.ts'
import { adminOf, type BuiltIn, overHttp, startBuiltIn } from './neighbours.ts'
import { newUser } from './world.ts'

/** One contract for the folder of the one-machine cloud and for Debian's Barbican with our Keystone before it. */
describe('key managers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nova-keys-'))
  let builtIn: BuiltIn
  let over: ReturnType<typeof overHttp>
  let barbican: Awaited<ReturnType<typeof startBarbican>>
  let people: [Caller, Caller]
  let keys: KeyPort
  before(async () => {
    builtIn = await startBuiltIn()
    barbican = await startBarbican(builtIn)
    over = overHttp(builtIn)
    const { http, session } = over
    const endpoint = { override: barbican.url, serviceType: 'key-manager', interfaces: ['public'] }
    keys = barbicanKeys({ http, session, endpoint })
    const admin = await adminOf(builtIn)
    const caller = async (name: string) => over.identity.validate((await newUser(admin, name, 'member')).token)
    people = [await caller('owner of secrets'), await caller('stranger to secrets')]
  })
  after(async () => {
    await barbican?.close()
    await over?.close()
    await builtIn?.close()
    rmSync(folder, { recursive: true })
  })

  keyContract('files', () => ({ keys: fileKeys(folder), people }), { tellsUsersApart: false })
  keyContract('Barbican', () => ({ keys, people }), { tellsUsersApart: true })
})

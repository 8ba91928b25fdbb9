/** A cloud of separate processes on MariaDB; its server is killed while they work. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { waitFor } from '#base'
import { createDatabase } from '#store/engine'
import { distributedContract } from '../bin/distributed.contract.ts'
import { fastFolder } from '../database/index.ts'
import { type MariaServer, startMariaServer } from '../database/maria-server.ts'

const folder = mkdtempSync(join(fastFolder(), 'cloud-'))
let server: MariaServer
after(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true })
})

async function open(): Promise<string> {
  server = await startMariaServer(folder)
  const url = server.url('nova')
  await createDatabase(url)
  return url
}

async function restart(): Promise<void> {
  await server.kill()
  await server.start()
}

distributedContract(
  'MariaDB',
  async () => undefined,
  (_cloud, user) => {
    test('MariaDB: kill -9 of the database during builds and requests costs latency, and no operation', async () => {
      const before = (await user().servers()).length
      await user().boot('before', 10)
      const more = Array.from({ length: 10 }, (_, i) => user().boot(`during ${i}`))
      await restart()
      // Each was answered with 202, and each is there once.
      await Promise.all(more)
      await user().all(before + 20)
      await user().assertNothingLeftOver()
      const names = (await user().servers()).map(s => s.name)
      assert.equal(new Set(names).size, names.length)
    })

    test('MariaDB: the same during deletes', async () => {
      const doomed = (await user().servers()).filter(s => /^(before|during)/.test(s.name))
      const kept = (await user().servers()).length - doomed.length
      const deletes = doomed.map(({ id }) => user().call('DELETE', `/servers/${id}`))
      await restart()
      await Promise.all(deletes)
      await waitFor('them to go', async () => (await user().servers()).length === kept || undefined, {
        deadlineMs: 60_000,
      })
      await user().assertNothingLeftOver()
    })
  },
  open,
)

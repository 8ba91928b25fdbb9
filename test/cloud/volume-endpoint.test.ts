/** Where nova.conf says Cinder is: catalog_info, or endpoint_template. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newUuid, silentLog, systemClock } from '#base'
import { CinderConnectionFailed, EndpointMissing, VolumeNotFound } from '#cloud'
import { loadConfig } from '#config'
import { neighboursFromConfig } from '../../src/allinone/compose/neighbours-from-config.ts'
import { type BuiltIn, servicePassword, startBuiltIn } from './neighbours.ts'

let builtIn: BuiltIn
const folder = mkdtempSync(join(tmpdir(), 'cinder-endpoint-'))
before(async () => {
  builtIn = await startBuiltIn()
})
after(async () => {
  await builtIn.close()
  rmSync(folder, { recursive: true })
})

async function withCinder(lines: string, work: (volumes: BuiltIn['volumes']) => Promise<void>): Promise<void> {
  const file = join(folder, 'nova.conf')
  writeFileSync(
    file,
    `[cinder]
auth_url = ${builtIn.urls.identity}
username = nova
password = ${servicePassword}
user_domain_name = Default
project_name = service
project_domain_name = Default
connect_retries = 0
${lines}
`,
  )
  const config = loadConfig({ files: [file], env: {} })
  const neighbours = neighboursFromConfig({ config, log: silentLog, clock: systemClock })
  try {
    await work(neighbours.volumes)
  } finally {
    await neighbours.close()
  }
}

test('by the catalogue: volumev3, public', () =>
  withCinder('', async volumes => {
    const { id } = await volumes.create('service', { name: 'v', sizeGiB: 1 })
    assert.equal((await volumes.get('service', id)).name, 'v')
    await assert.rejects(volumes.get('service', newUuid()), VolumeNotFound.is)
  }))

test('catalog_info names type, name and interface', async () => {
  await withCinder('catalog_info = volumev3:cinderv3:internalURL', async volumes => {
    assert.ok((await volumes.listTypes('service')).length > 0)
  })
  await withCinder('catalog_info = volumev3:other:internalURL', async volumes => {
    await assert.rejects(volumes.listTypes('service'), EndpointMissing.is)
  })
})

test('endpoint_template takes its place; nobody there is Cinder’s failure', async () => {
  await withCinder(`endpoint_template = ${builtIn.urls.volume}/v3/%(project_id)s`, async volumes => {
    assert.ok((await volumes.listTypes('service')).length > 0)
  })
  await withCinder('endpoint_template = http://127.0.0.1:1/v3/%(project_id)s', async volumes => {
    await assert.rejects(volumes.listTypes('service'), CinderConnectionFailed.is)
  })
})

/** Where nova.conf says Manila is: the catalogue, or endpoint_override. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newUuid, silentLog, systemClock } from '#base'
import { ManilaConnectionFailed, ShareNotFound } from '#cloud'
import { loadConfig } from '#config'
import { neighboursFromConfig } from '../../src/allinone/compose/neighbours-from-config.ts'
import { type BuiltIn, servicePassword, startBuiltIn } from './neighbours.ts'

let builtIn: BuiltIn
const folder = mkdtempSync(join(tmpdir(), 'manila-endpoint-'))
before(async () => {
  builtIn = await startBuiltIn()
})
after(async () => {
  await builtIn.close()
  rmSync(folder, { recursive: true })
})

async function withManila(lines: string, work: (shares: BuiltIn['shares']) => Promise<void>): Promise<void> {
  const file = join(folder, 'nova.conf')
  const who = `username = nova\npassword = ${servicePassword}\nuser_domain_name = Default\nproject_name = service`
  const how = 'project_domain_name = Default\nconnect_retries = 0'
  writeFileSync(file, `[manila]\nauth_url = ${builtIn.urls.identity}\n${who}\n${how}\n${lines}\n`)
  const config = loadConfig({ files: [file], env: {} })
  const neighbours = neighboursFromConfig({ config, log: silentLog, clock: systemClock })
  try {
    await work(neighbours.shares)
  } finally {
    await neighbours.close()
  }
}

test('by the catalogue, or at the address that is named', async () => {
  for (const lines of ['', `endpoint_override = ${builtIn.urls.share}/v2`])
    await withManila(lines, async shares => {
      await assert.rejects(shares.get('service', newUuid()), ShareNotFound.is)
    })
})

test('a catalogue without Manila, and nobody at its address, are one failure to whoever asks', async () => {
  for (const lines of ['service_type = none-such', 'endpoint_override = http://127.0.0.1:1/v2'])
    await withManila(lines, async shares => {
      await assert.rejects(shares.get('service', newUuid()), error => {
        assert.ok(ManilaConnectionFailed.is(error), String(error))
        assert.match(error.message, /^Connection to manila service failed: /)
        return true
      })
    })
})

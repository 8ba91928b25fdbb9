import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { MiB, newUuid, silentLog } from '#base'
import { FileFetcher } from './fetch-files.ts'
import { Handout } from './handout.ts'

const folder = mkdtempSync(join(tmpdir(), 'nova-handout-'))
const id = newUuid()
const aside = `${id}_resize`
const disk = join(folder, aside, 'disk')
const open = async (port = 0): Promise<Handout> => {
  const handout = new Handout({ root: folder, host: 'here', address: '127.0.0.1', port, log: silentLog })
  await handout.start()
  return handout
}
let handout: Handout

before(async () => {
  mkdirSync(join(folder, aside))
  mkdirSync(join(folder, 'target'))
  writeFileSync(disk, Buffer.alloc(MiB, 7))
  // A hole of 40 MiB, and something behind it.
  truncateSync(disk, 41 * MiB)
  writeFileSync(disk, 'the end', { flag: 'a' })
  handout = await open()
})
after(async () => {
  await handout.close()
  rmSync(folder, { recursive: true, force: true })
})

const offer = () => handout.offer(aside, { disk })
const target = (name: string): string => join(folder, 'target', name)

test('a file comes as it is, with its holes, and is fetched once', async () => {
  const fetcher = new FileFetcher(await offer())
  await fetcher.fetch('disk', target('disk'))
  assert.ok(readFileSync(target('disk')).equals(readFileSync(disk)))
  assert.ok(statSync(target('disk')).blocks * 512 < 8 * MiB, 'the hole is a hole')
  assert.equal(statSync(target('disk')).mode & 0o777, 0o600)
  writeFileSync(target('disk'), 'changed since')
  await fetcher.fetch('disk', target('disk'))
  assert.equal(readFileSync(target('disk'), 'utf8'), 'changed since')
  fetcher.close()
})

test('what was offered, and to whom: nothing else, nobody else, and not for ever', async () => {
  const known = await offer()
  assert.deepEqual(await offer(), known, 'asked again it is the same')
  assert.equal(statSync(join(folder, aside, 'handout.json')).mode & 0o777, 0o600)
  const refused = async (change: Partial<typeof known>, name: string, reason: RegExp) => {
    const fetcher = new FileFetcher({ ...known, ...change })
    await assert.rejects(fetcher.fetch(name, target(newUuid())), reason)
    fetcher.close()
  }
  await refused({}, 'handout.json', /does not offer/)
  await refused({}, '../../etc/shadow', /does not offer/)
  await refused({ secret: Buffer.alloc(32).toString('base64url') }, 'disk', /fetch of disks failed/)
  await refused({ identity: id }, 'disk', /fetch of disks failed/)
  await refused({ identity: '../etc' }, 'disk', /fetch of disks failed/)
  await handout.withdraw(aside)
  await refused({}, 'disk', /fetch of disks failed/)
})

test('after a restart the offer still holds; a fetch goes on where it was cut off, unless the file is another one', async () => {
  const known = await offer()
  await handout.close()
  const hasty = new FileFetcher(known, 0)
  await assert.rejects(hasty.fetch('disk', target('never')), /fetch of disks failed/)
  hasty.close()
  const patient = new FileFetcher(known)
  const fetched = patient.fetch('disk', target('late'))
  handout = await open()
  await fetched
  patient.close()
  assert.deepEqual(await offer(), known)
  const fetcher = new FileFetcher(known)
  // As if the first mebibyte had come before a crash.
  const { version } = await fetcher.mapOf('disk')
  writeFileSync(target('again.part'), Buffer.alloc(MiB, 9))
  writeFileSync(target('again.part.note'), JSON.stringify({ version, done: MiB }))
  await fetcher.fetch('disk', target('again'))
  assert.equal(readFileSync(target('again'))[0], 9, 'what was there is not fetched again')
  assert.equal(
    readFileSync(target('again'))
      .subarray(41 * MiB)
      .toString(),
    'the end',
  )
  writeFileSync(target('other.part'), Buffer.alloc(MiB, 9))
  writeFileSync(target('other.part.note'), JSON.stringify({ version: 'of another file', done: MiB }))
  await fetcher.fetch('disk', target('other'))
  assert.ok(readFileSync(target('other')).equals(readFileSync(disk)))
  fetcher.close()
})

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { ManualClock, silentLog } from '#base'
import { createQcow2 } from '../disks/new-qcow2.ts'
import { ImageCache } from './image-cache.ts'
import { type CleaningRules, cleanImages, usedBytes, usualCleaning } from './image-cleaning.ts'

const hour = 3_600_000
const digest = (n: number): string => n.toString(16).padStart(40, '0')

describe('cleaning of the image cache', () => {
  let instancesPath = ''
  let cacheFolder = ''
  const clock = new ManualClock()
  const clean = (rules: Partial<CleaningRules> = {}) =>
    cleanImages({ cacheFolder, instancesPath, rules: { ...usualCleaning, ...rules }, clock, log: silentLog })

  beforeEach(() => {
    instancesPath = mkdtempSync(join(tmpdir(), 'nova-clean-'))
    cacheFolder = join(instancesPath, '_base')
    mkdirSync(cacheFolder)
  })
  afterEach(() => rmSync(instancesPath, { recursive: true, force: true }))

  /** A base that was last used so long ago. */
  function base(name: string, ageMs: number): string {
    const path = join(cacheFolder, name)
    writeFileSync(path, 'bits')
    const then = new Date(clock.now() - ageMs)
    utimesSync(path, then, then)
    return path
  }
  async function disk(folder: string, name: string, backing: string): Promise<void> {
    mkdirSync(join(instancesPath, folder), { recursive: true })
    const over = { file: backing, format: 'raw' } as const
    await createQcow2(join(instancesPath, folder, name), { virtualBytes: 1024 * 1024, backing: over })
  }

  test('what no disk uses goes when it is old enough, and nothing else', async () => {
    base(digest(1), 25 * hour)
    base(digest(2), 23 * hour)
    base(`${digest(3)}_20`, 2 * hour)
    base(`${digest(4)}_20`, hour / 2)
    base('swap_512', 25 * hour)
    base('ephemeral_1_0706d66', 25 * hour)
    base('notes.txt', 1000 * hour)
    base('swap_512.bak', 1000 * hour)
    await clean()
    assert.deepEqual(readdirSync(cacheFolder), [digest(2), `${digest(4)}_20`, 'notes.txt', 'swap_512.bak'].sort())
    base(digest(5), 100 * hour)
    await clean({ removesUnused: false })
    assert.ok(existsSync(join(cacheFolder, digest(5))))
  })

  test('a disk keeps what lies under it, whose ever it is, and its time is renewed', async () => {
    const old = [1, 2, 3, 4, 5].map(n => base(digest(n), 100 * hour))
    await disk('6f70656e-0000-4000-8000-000000000001', 'disk', old[0] ?? '')
    await disk('6f70656e-0000-4000-8000-000000000002_resize', 'disk', old[1] ?? '')
    await disk('6f70656e-0000-4000-8000-000000000003', 'disk.rescue', old[2] ?? '')
    await disk('anything', 'at all', `../_base/${digest(4)}`)
    const elsewhere = join(instancesPath, '..', basename(`${instancesPath}-elsewhere`))
    renameSync(join(instancesPath, 'anything'), elsewhere)
    symlinkSync(elsewhere, join(instancesPath, 'anything'))
    // A qcow2 between a disk and a base counts as well.
    const middle = join(instancesPath, 'between', 'middle')
    await disk('between', 'middle', old[4] ?? '')
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', middle, `${middle}.top`])
    await clean()
    assert.equal(readdirSync(cacheFolder).length, 5)
    for (const path of old) assert.equal(statSync(path).mtimeMs, clock.now())
    for (const folder of readdirSync(instancesPath)) {
      if (folder !== '_base') rmSync(join(instancesPath, folder), { recursive: true })
    }
    rmSync(elsewhere, { recursive: true })
    clock.advance(25 * hour)
    await clean()
    assert.deepEqual(readdirSync(cacheFolder), [])
  })

  test('what the cache takes is what its files hold, not what they say', async () => {
    execFileSync('truncate', ['-s', '1G', base(digest(1), 0)])
    writeFileSync(base(digest(2), 0), Buffer.alloc(1024 * 1024, 1))
    const bytes = await usedBytes(cacheFolder, instancesPath)
    assert.ok(bytes >= 1024 * 1024 && bytes < 2 * 1024 * 1024, String(bytes))
    assert.equal(await usedBytes(cacheFolder, '/proc'), 0)
  })

  test('a crash between the two looks loses nothing', async () => {
    const path = base(digest(1), 100 * hour)
    renameSync(path, `${path}.unused-999999999-00ff`)
    base(`${digest(2)}.part-999999999-00ff`, 0)
    const source = { download: () => Promise.reject(new Error('nothing to fetch')) }
    await new ImageCache({ folder: cacheFolder, source, log: silentLog }).start()
    assert.deepEqual(readdirSync(cacheFolder), [digest(1)])
    // Another base took the name meanwhile.
    writeFileSync(`${path}.unused-999999999-00ff`, 'old')
    await clean({ removesUnused: false })
    assert.deepEqual(readdirSync(cacheFolder), [digest(1)])
  })
})

/** A compile of the kernel that is cancelled or killed leaves nothing behind. Neither test waits for a whole compile. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, test } from 'node:test'
import { waitFor } from '#base'
import { buildStockImage, buildTinyImage, GuestBuildCancelled, guestCache } from '#guest'

const commonCache = guestCache()
let cacheDir: string
beforeEach(t => {
  cacheDir = mkdtempSync(join(tmpdir(), 'guest-interrupted-'))
  if ('after' in t) t.after(() => rmSync(cacheDir, { recursive: true, force: true }))
})

const namesIn = (folder: string): string[] => {
  const path = join(cacheDir, folder)
  return existsSync(path) ? readdirSync(path) : []
}

/** Processes that work below the cache folder. */
const workers = (): string[] =>
  readdirSync('/proc').filter(pid => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(cacheDir)
    } catch {
      return false
    }
  })

test('cancelled in the middle of the compile', async () => {
  const abort = new AbortController()
  const progress = (step: { percent?: number }) => {
    if ((step.percent ?? 0) >= 1) abort.abort()
  }
  await assert.rejects(buildTinyImage({ cacheDir, progress, signal: abort.signal }), GuestBuildCancelled.is)
  assert.deepEqual(namesIn('work'), [])
  assert.deepEqual(namesIn('kernels'), [])
  assert.deepEqual(workers(), [])
})

test('killed in the middle of the compile: the tools end with it, the next build cleans up', async () => {
  const builder = join(import.meta.dirname, '../../src/guest/build.ts')
  const child = spawn(process.execPath, [builder, '--image', 'tiny', '--cache', cacheDir], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', chunk => (said += String(chunk)))
  await waitFor('the compile to begin', () => (said.includes('compile ') ? true : undefined), { deadlineMs: 300_000 })
  assert.ok(workers().length > 0)
  child.kill('SIGKILL')
  await waitFor('the compiler to end', () => (workers().length === 0 ? true : undefined), { deadlineMs: 60_000 })
  assert.deepEqual(namesIn('kernels'), [])
  assert.equal(namesIn('work').length, 2, 'a work folder and a lock, both of a dead process')
  // the package of the kernel as the common cache has it: no network needed
  const debs = join(commonCache, 'debs')
  await buildStockImage({ cacheDir: commonCache })
  mkdirSync(join(cacheDir, 'debs'))
  for (const name of readdirSync(debs)) symlinkSync(join(debs, name), join(cacheDir, 'debs', name))
  const image = await buildStockImage({ cacheDir })
  assert.ok(existsSync(image.path))
  assert.deepEqual(namesIn('work'), [])
})

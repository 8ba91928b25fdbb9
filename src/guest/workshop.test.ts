import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, test } from 'node:test'
import { GuestBuildCancelled, GuestBuildToolFailed, GuestDiskFull } from './faults.ts'
import { runTool } from './tool.ts'
import { makeOnce, publish } from './workshop.ts'

let cacheDir: string
beforeEach(t => {
  cacheDir = mkdtempSync(join(tmpdir(), 'guest-workshop-'))
  if ('after' in t) t.after(() => rmSync(cacheDir, { recursive: true, force: true }))
})

const read = async (): Promise<string | undefined> => {
  try {
    return readFileSync(join(cacheDir, 'result'), 'utf8')
  } catch {
    return undefined
  }
}
const left = () => readdirSync(join(cacheDir, 'work'))

test('two callers at the same time get one piece of work', async () => {
  let times = 0
  const work = async (folder: string) => {
    times++
    writeFileSync(join(folder, 'half'), 'made')
    await publish(join(folder, 'half'), join(cacheDir, 'result'))
  }
  const both = await Promise.all([0, 1].map(() => makeOnce({ cacheDir, key: 'k' }, read, work)))
  assert.deepEqual(both, ['made', 'made'])
  assert.equal(times, 1)
  assert.deepEqual(left(), [])
})

test('what killed processes left is taken away, what lives is not', async () => {
  mkdirSync(join(cacheDir, 'work/other@999999999.5-aa'), { recursive: true })
  writeFileSync(join(cacheDir, 'work/other@999999999.5-aa/half'), 'x')
  // this pid lives, but started at another time: the number was used again
  symlinkSync(`${process.pid}.1`, join(cacheDir, 'work/k.lock'))
  const start = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[19]
  mkdirSync(join(cacheDir, `work/mine@${process.pid}.${start}-aa`))
  await makeOnce({ cacheDir, key: 'k' }, read, async () => writeFileSync(join(cacheDir, 'result'), 'made'))
  assert.deepEqual(left(), [`mine@${process.pid}.${start}-aa`])
})

test('a failure leaves nothing and frees the place; a full disk is its own fault', async () => {
  const full = makeOnce({ cacheDir, key: 'k' }, read, async folder => {
    writeFileSync(join(folder, 'half'), 'x')
    throw Object.assign(new Error('write'), { code: 'ENOSPC' })
  })
  await assert.rejects(full, GuestDiskFull.is)
  assert.deepEqual(left(), [])
  const made = await makeOnce({ cacheDir, key: 'k' }, read, async () => writeFileSync(join(cacheDir, 'result'), 'made'))
  assert.equal(made, 'made')
})

test('a failing tool says its last lines, a tool on a full disk says so', async () => {
  const failed = runTool('sh', ['-c', 'seq 100; echo bad luck >&2; exit 3'], { folder: cacheDir })
  await assert.rejects(
    failed,
    error => GuestBuildToolFailed.is(error) && /98\n99\n100[^]*bad luck|bad luck/.test(error.detail ?? ''),
  )
  const full = runTool('sh', ['-c', 'echo "x: No space left on device" >&2; exit 1'], { folder: cacheDir })
  await assert.rejects(full, GuestDiskFull.is)
})

test('an abort ends a tool with all its children', async () => {
  const abort = new AbortController()
  // the grandchild holds the pipe: the rejection comes only when it is gone, too
  const onLine = () => abort.abort()
  const run = runTool('sh', ['-c', 'sleep 1000 & echo started; wait'], {
    folder: cacheDir,
    signal: abort.signal,
    onLine,
  })
  await assert.rejects(run, GuestBuildCancelled.is)
})

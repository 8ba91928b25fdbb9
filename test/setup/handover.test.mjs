import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { scratchMachine, start, waitUntil } from './fixtures.mjs'

const handover = fileURLToPath(new URL('../../tools/setup/handover.mjs', import.meta.url))

const isAlive = pid => {
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch {
    return false
  }
}

/** A package whose `npm start` hands over to a program that writes down the signals it gets. */
function samplePackage(t, program) {
  const machine = scratchMachine(t)
  const { folder } = machine
  writeFileSync(join(folder, 'package.json'), '{"name":"sample","scripts":{"start":"exec node start.mjs"}}')
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
  symlinkSync(process.execPath, join(folder, 'node_modules/.bin/node'))
  writeFileSync(join(folder, 'program.mjs'), program)
  t.after(() => {
    for (const name of ['starter', 'pid'])
      if (isAlive(Number(machine.read(name)))) process.kill(Number(machine.read(name)), 'SIGKILL')
  })
  writeFileSync(
    join(folder, 'start.mjs'),
    `import { runInPlace } from '${handover}'
import { writeFileSync } from 'node:fs'
writeFileSync('${folder}/starter', String(process.pid))
process.exitCode = await runInPlace(process.execPath, ['${folder}/program.mjs'], { env: process.env })
process.exit()`,
  )
  return machine
}

const recording = `import { appendFileSync, writeFileSync } from 'node:fs'
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => {
    appendFileSync('log', name + '\\n')
    setTimeout(() => process.exit(42), 400)
  })
}
writeFileSync('pid', String(process.pid))
console.log('up ' + (process.stdout.isTTY === true))
setInterval(() => {}, 1000)`

test('the exit code passes through', async t => {
  const machine = samplePackage(t, 'process.exit(7)')
  const run = start(t, process.execPath, ['start.mjs'], { cwd: machine.folder })
  assert.deepEqual(await run.ended, { code: 7, signal: null })
})

test('a program that a signal ended gives 128 + n', async t => {
  const machine = samplePackage(t, "process.kill(process.pid, 'SIGKILL')")
  const run = start(t, process.execPath, ['start.mjs'], { cwd: machine.folder })
  assert.deepEqual(await run.ended, { code: 137, signal: null })
})

test('Ctrl-C at a terminal under npm start reaches the program exactly once', async t => {
  const machine = samplePackage(t, recording)
  // script(1) makes the terminal; byte 3 is what the Ctrl-C key sends.
  const run = start(t, 'script', ['-qfec', 'npm start', '/dev/null'], { cwd: machine.folder })
  await waitUntil('the program', () => run.seen.out.includes('up true'))
  run.child.stdin.write('\x03')
  // npm gives the program's code, or that of its own SIGINT, whichever comes first.
  assert.ok([42, 130].includes((await run.ended).code))
  assert.deepEqual(machine.lines('log'), ['SIGINT'])
})

test('SIGTERM to npm reaches the program exactly once', async t => {
  const machine = samplePackage(t, recording)
  const run = start(t, 'npm', ['start', '--silent'], { cwd: machine.folder })
  await waitUntil('the program', () => run.seen.out.includes('up'))
  assert.equal(run.seen.out, 'up false\n')
  run.child.kill('SIGTERM')
  await run.ended
  assert.deepEqual(machine.lines('log'), ['SIGTERM'])
})

test('a terminal that goes away stops the program, which does not see SIGHUP', async t => {
  const machine = samplePackage(t, recording)
  const run = start(t, process.execPath, ['start.mjs'], { cwd: machine.folder })
  await waitUntil('the program', () => run.seen.out.includes('up'))
  run.child.kill('SIGHUP')
  assert.equal((await run.ended).code, 42)
  assert.deepEqual(machine.lines('log'), ['SIGTERM'])
})

test('kill -9 of the starter does not leave the program behind', async t => {
  const machine = samplePackage(t, recording)
  const run = start(t, process.execPath, ['start.mjs'], { cwd: machine.folder })
  await waitUntil('the program', () => run.seen.out.includes('up'))
  run.child.kill('SIGKILL')
  await waitUntil('the end of the program', () => !isAlive(Number(machine.read('pid'))))
  // Linux sends it once per thread of the dead parent.
  assert.deepEqual([...new Set(machine.lines('log'))], ['SIGTERM'])
})

test('kill -9 of npm does not leave the program behind', async t => {
  const machine = samplePackage(t, recording)
  const run = start(t, 'npm', ['start', '--silent'], { cwd: machine.folder })
  await waitUntil('the program', () => run.seen.out.includes('up'))
  run.child.kill('SIGKILL')
  await waitUntil('the end of the program', () => !isAlive(Number(machine.read('pid'))))
  assert.deepEqual(machine.lines('log'), ['SIGTERM'])
})

test('whoever asks for the output gets all of it, also of a program that leaves another one behind', async t => {
  const machine = samplePackage(t, '')
  const child = `require('node:child_process').spawn('sleep', ['10'], { stdio: 'inherit' }).unref()`
  writeFileSync(
    join(machine.folder, 'read.mjs'),
    `import { runInPlace } from '${handover}'
import { writeFileSync } from 'node:fs'
let text = ''
const program = ${JSON.stringify(`process.stdout.write('x'.repeat(300000)); process.stderr.write('!'); ${child}`)}
const onOutput = chunk => { text += chunk }
await runInPlace(process.execPath, ['-e', program], { env: process.env, group: true, onOutput })
writeFileSync('${machine.folder}/heard', String(text.length))
process.exit()`,
  )
  const run = start(t, process.execPath, ['read.mjs'], { cwd: machine.folder })
  assert.deepEqual(await run.ended, { code: 0, signal: null })
  assert.equal(machine.read('heard'), '300001')
})

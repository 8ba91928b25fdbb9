import { type ChildProcess, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromJson } from '#base'
import { Client } from '../bench/client.ts'
import type { Undo } from '../bench/undo.ts'
import { ProgressLine } from './count.ts'
import type { SuiteOptions } from './options.d.mts'
import { listTests, type Outcome, plainName, runTests, type Stestr } from './stestr.ts'
import type { Suite } from './suite.ts'
import { realPlane, simulatedPlane } from './suite-plane.ts'

/** The environment without what whoever runs this may have sourced. */
const cleanEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(OS_|OPENSTACK|TEMPEST_|PYTHON)/.test(name)))

/** Ends a process and its children with `undo`: stestr starts one worker per `--workers`. */
function endWith(undo: Undo): (child: ChildProcess) => void {
  return child => {
    undo.add(async () => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
      const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(child.pid)], { encoding: 'utf8' })
      const ended = new Promise(resolve => child.once('exit', resolve))
      for (const pid of [child.pid, ...stdout.split('\n').map(Number).filter(Boolean)]) process.kill(pid, 'SIGTERM')
      await ended
    })
  }
}

export interface SuiteRun {
  readonly suite: string
  readonly seconds: number
  readonly outcomes: readonly Outcome[]
  readonly folder: string
}

/** One suite against a cloud of its own, which goes away with `undo`. */
export async function runSuite(suite: Suite, options: SuiteOptions, undo: Undo): Promise<SuiteRun> {
  const { offset, parent, workers, regex } = options
  const hosts = suite.hosts ?? options.hosts
  const config = suite.config ?? ''
  const open = suite.isReal === true ? realPlane : simulatedPlane
  const plane = await open({ undo, offset, hosts, parent, config, isKept: options.isKept })
  const { ready } = plane
  const client = await Client.login(ready)
  const folder = join(plane.folder, suite.name)
  mkdirSync(folder)
  const { adminPassword } = fromJson<{ adminPassword: string }>(readFileSync(join(ready.state, 'secrets.json'), 'utf8'))
  const env = await suite.prepare({ ready, client, adminPassword, folder, hosts })
  await client.close()
  const run: Stestr = {
    suite,
    folder,
    env: { ...cleanEnvironment(), ...env },
    workers: suite.isSerial ? 1 : workers,
    onSpawn: endWith(undo),
  }
  const all = await listTests(run)
  const wanted = regex === undefined ? all : all.filter(id => new RegExp(regex).test(plainName(id)))
  if (wanted.length === 0) throw new Error(`no test of ${suite.name} matches ${regex}`)
  const startedAt = performance.now()
  const progress = new ProgressLine(suite.name, wanted.length)
  const outcomes = await runTests(run, wanted, outcome => progress.add(outcome))
  await plane.stop()
  return { suite: suite.name, seconds: (performance.now() - startedAt) / 1000, outcomes, folder }
}

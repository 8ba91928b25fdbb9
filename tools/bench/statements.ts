import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fromJson, waitFor } from '#base'
import type { ControlPlaneOptions } from './control-plane.ts'
import { withFakeCloud } from './fake-cloud.ts'
import { figure, type Row } from './figures.ts'
import { temporaryFolder } from './temporary-folder.ts'
import type { Undo } from './undo.ts'

export type Counts = Readonly<Record<string, number>>

const group = 'boots'
const repeats = 20
const hook = join(import.meta.dirname, 'statement-hook.mjs')
const isControl = (sql: string): boolean => /^(begin|commit|rollback|pragma)\b/i.test(sql)
const isJournal = (sql: string): boolean => /^update "sagas" set .*"journal_json"/i.test(sql)

async function read(pid: number, file: string): Promise<Counts> {
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  return waitFor('the counts', () => (existsSync(file) ? readCounts(file) : undefined), { deadlineMs: 10_000 })
}

function readCounts(file: string): Counts | undefined {
  try {
    return fromJson<Counts>(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

function perRound(before: Counts, after: Counts): Counts {
  const each = Object.entries(after).map(([sql, count]) => [sql, (count - (before[sql] ?? 0)) / repeats] as const)
  return Object.fromEntries(each.filter(([, count]) => count > 0))
}

/** How often each statement ran for one boot, one after the other, and for one list of servers in detail. */
export async function countStatements(
  options: Omit<ControlPlaneOptions, 'hypervisor'>,
): Promise<{ boot: Counts; list: Counts }> {
  const folder = temporaryFolder(options.parent)
  options.undo.add(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'counts.json')
  const counted = { ...options, nodeOptions: `--import=${hook}`, env: { NOVA_BENCH_COUNTS: file } }
  return withFakeCloud(counted, async ({ plane, servers, client }) => {
    await servers.boot()
    const before = await read(plane.pid, file)
    for (let i = 0; i < repeats; i++) await servers.boot()
    const booted = await read(plane.pid, file)
    for (let i = 0; i < repeats; i++) await client.text('compute', 'GET', '/servers/detail')
    return { boot: perRound(before, booted), list: perRound(booted, await read(plane.pid, file)) }
  })
}

export async function measureStatements(options: {
  undo: Undo
  offset: number
  parent?: string | undefined
}): Promise<Row[]> {
  const counts = await countStatements({ ...options, hosts: 1 })
  const sum = (test: (sql: string) => boolean, of = counts.boot) =>
    Object.entries(of)
      .filter(([sql]) => test(sql))
      .reduce((total, [, count]) => total + count, 0)
  return [
    figure(
      { group, what: 'SQL statements per boot, all databases', unit: '' },
      sum(sql => !isControl(sql)),
    ),
    figure(
      { group, what: 'transactions per boot', unit: '' },
      sum(sql => /^begin/i.test(sql)),
    ),
    figure(
      { group, what: 'SQL statements per GET /servers/detail, with what runs beside it', unit: '' },
      sum(sql => !isControl(sql), counts.list),
    ),
    figure({ group, what: 'writes of the saga journal per boot', unit: '' }, sum(isJournal)),
  ]
}

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { cpuControllerVersion } from './domain-facts.ts'

test('the processor is shared by either version of control groups, or by none', t => {
  const unified = mkdtempSync(join(tmpdir(), 'nova-cgroup-'))
  t.after(() => rmSync(unified, { recursive: true, force: true }))
  const second = (controllers: string) => {
    writeFileSync(join(unified, 'cgroup.controllers'), `${controllers}\n`)
    return `cgroup2 ${unified} cgroup2 rw,nosuid 0 0\n`
  }
  const first = 'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n'
  assert.equal(cpuControllerVersion(second('cpuset cpu io memory pids')), 2)
  assert.equal(cpuControllerVersion(first + second('')), 1)
  assert.equal(cpuControllerVersion(second('cpuset io')), undefined)
  assert.equal(cpuControllerVersion('proc /proc proc rw 0 0\n'), undefined)
})

/** One MariaDB server for all files of a suite. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { serviceNode } from './modules.mjs'
import { root, withSbin } from './setup.mjs'

/** A schema is many small files, each of which waits for the disk. */
const fastFolder = () => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir())

export async function startDatabase() {
  const folder = mkdtempSync(join(fastFolder(), 'nt-maria-'))
  const child = spawn(serviceNode(root), [join(root, 'test/database/serve.ts'), folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: withSbin(process.env),
  })
  const ended = once(child, 'exit')
  const socket = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([line]) => line),
    ended.then(() => Promise.reject(new Error('the MariaDB server of the tests did not start'))),
  ])
  return {
    env: { NOVA_TEST_DATABASE: 'mysql', NOVA_TEST_DATABASE_SOCKET: socket },
    async stop() {
      child.stdin.end()
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { TestCloud } from '../guests/cloud.ts'

/** What the client prints when something was refused, or is a mistake of the test's. */
const complaint =
  /(HTTP [45]\d\d|Exception|Traceback|Unknown command|usage:|error:|No \w+ (found|with a name)|could not be found|Unable to|Invalid|Failed|Error)/

/** All commands in one process of the client; what it printed. */
export async function session(
  cloud: Pick<TestCloud, 'clientEnvironment'>,
  commands: readonly string[],
): Promise<string> {
  const env = { ...cloud.clientEnvironment(), COLUMNS: '200' }
  const client = spawn('openstack', [], { env, stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  const read = (text: Buffer) => {
    output += text.toString()
  }
  client.stdout.on('data', read)
  client.stderr.on('data', read)
  const ended = new Promise(resolve => client.once('close', resolve))
  client.stdin.end(`${commands.join('\n')}\n`)
  await ended
  return output
}

/** The same, and none may be refused. */
export async function allWork(cloud: Pick<TestCloud, 'clientEnvironment'>, ...commands: string[]): Promise<string> {
  const output = await session(cloud, commands)
  assert.doesNotMatch(output, complaint)
  return output
}

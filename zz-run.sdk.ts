import { parseSuiteOptions } from './tools/clients/options.mjs'
import { runSuite } from './tools/clients/run-suite.ts'
import { adminOf, writeClouds } from './tools/clients/clouds-yaml.ts'
import { newImage, newPerson } from './tools/clients/furniture.ts'
import { openstacksdk } from './tools/clients/openstacksdk.ts'
import { Undo } from './tools/bench/undo.ts'
const undo = new Undo()
const [tests = '', regex = '', offset = '32500'] = process.argv.slice(2)
const options = parseSuiteOptions('test:clients', ['openstacksdk', '--regex', regex, '--keep', '--offset', offset, '--workers', '1', '--state', '/tmp/volsvc/run'])
const prepare = async (cloud: any) => {
  const { client } = cloud
  await newImage(client, 'cirros-0.6.2-x86_64-uec')
  const demo = await newPerson(client, 'demo', 'member')
  const alternate = await newPerson(client, 'alt_demo', 'member')
  const file = writeClouds(cloud, { devstack: demo, 'devstack-alt': alternate, 'devstack-admin': adminOf(cloud) })
  return { OS_CLIENT_CONFIG_FILE: file, OPENSTACKSDK_IMAGE: 'cirros-0.6.2-x86_64-uec', OPENSTACKSDK_FLAVOR: 'm1.tiny', OS_TEST_TIMEOUT: '60' }
}
try {
  const run = await runSuite({ ...openstacksdk, tests, filter: new RegExp(regex), prepare } as any, options, undo)
  for (const o of run.outcomes) console.log(JSON.stringify(o))
  console.log('folder', run.folder, run.seconds)
} catch (e) { console.log(e) }
await undo.run()
process.exit(0)

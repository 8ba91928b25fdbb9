/** Takes a snapshot of a guest for libvirt-storage.test.ts, which kills it in the middle. */
import { instanceId, silentLog } from '#base'
import { createLibvirtDriver } from '#virt/libvirt'
import { TestImages } from './test-images.ts'

const [socketPath = '', instancesPath = '', id = ''] = process.argv.slice(2)
const driver = await createLibvirtDriver({
  socketPath,
  instancesPath,
  imageSource: new TestImages(instancesPath),
  virtType: 'qemu',
  log: silentLog,
})
await driver.snapshots?.take(instanceId(id), { quiesce: 'ifPossible' })
process.stdout.write('taken\n')
setInterval(() => undefined, 1000)

/** A control plane for libvirt-daemon.test.ts to kill: starts libvirt, one guest, says so, and waits for its end. */
import { instanceId, silentLog } from '#base'
import { aGuestSpec } from '#virt/conformance'
import { createLibvirtDriver, startLibvirt } from '#virt/libvirt'
import { TestImages } from './test-images.ts'

const [folder = '', id = ''] = process.argv.slice(2)
const daemon = await startLibvirt({ stateDir: `${folder}/libvirt`, log: silentLog, systemDaemon: 'ignore' })
const images = new TestImages(folder)
const driver = await createLibvirtDriver({
  socketPath: daemon.socketPath,
  instancesPath: `${folder}/instances`,
  imageSource: images,
  virtType: 'qemu',
  log: silentLog,
})
const image = images.add(Buffer.alloc(65_536, 1), { diskFormat: 'raw' })
const spec = aGuestSpec({ image, memoryMiB: 64 }, { id: instanceId(id) })
await driver.guest(spec.id).spawn(spec)
process.stdout.write('up\n')
setInterval(() => undefined, 1000)

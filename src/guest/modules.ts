import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** Modules of Debian's cloud kernel that the guest loads, as far as that kernel has them; dependencies come along. */
export const modulesOfGuest = [
  ['virtio_pci', 'virtio_mmio', 'virtio_blk', 'virtio_scsi', 'ata_piix', 'ahci', 'sd_mod', 'sr_mod'],
  ['crc32c_generic', 'ext4', 'isofs', 'vfat', 'nls_ascii', 'nls_cp437', 'nls_iso8859-1'],
  ['virtio_net', 'e1000', 'e1000e', 'af_packet', 'virtio_console', 'virtio-rng', 'virtio_balloon'],
  ['button', 'evdev', 'i6300esb', 'tpm_tis', 'tpm_crb'],
].flat()

/** These are in its root file system, for whoever needs them: shares of the host. */
export const modulesOnDemand = ['fuse', 'virtiofs']

const plain = (name: string) => name.replaceAll('-', '_')

/**
 * Copies the named modules and what they depend on, flat, and writes the modules.dep that modprobe reads. The
 * dependencies stand in each module (".modinfo"): the package has no modules.dep, depmod makes it at installation.
 */
export async function copyModules(from: string, to: string, names: readonly string[]): Promise<void> {
  const files = new Map<string, string>()
  for (const file of await readdir(from, { recursive: true })) {
    if (file.endsWith('.ko')) files.set(plain(basename(file, '.ko')), file)
  }
  await mkdir(to, { recursive: true })
  const dependencies = new Map<string, string[]>()
  const take = async (name: string): Promise<void> => {
    const file = files.get(plain(name))
    if (file === undefined || dependencies.has(plain(name))) return
    const content = await readFile(join(from, file))
    const listed = /\0depends=([^\0]*)\0/.exec(content.toString('latin1'))?.[1] ?? ''
    const needs = listed.split(',').filter(each => each !== '')
    dependencies.set(plain(name), needs.map(plain))
    await writeFile(join(to, basename(file)), content)
    for (const need of needs) await take(need)
  }
  for (const name of names) await take(name)
  await writeFile(join(to, 'modules.dep'), dependencyList(dependencies, files))
}

/** Lines "a.ko: b.ko c.ko": all that must be loaded before, the last one first. */
function dependencyList(
  dependencies: ReadonlyMap<string, readonly string[]>,
  files: ReadonlyMap<string, string>,
): string {
  const all = (name: string): string[] => (dependencies.get(name) ?? []).flatMap(need => [need, ...all(need)])
  const fileOf = (name: string) => basename(files.get(name) ?? `${name}.ko`)
  const lines = [...dependencies.keys()].map(name => {
    // a module that several others need must come behind (that is: be loaded before) all of them
    const needs = all(name)
    const order = needs.filter((need, at) => needs.lastIndexOf(need) === at)
    return `${[`${fileOf(name)}:`, ...order.map(fileOf)].join(' ')}\n`
  })
  return lines.join('')
}

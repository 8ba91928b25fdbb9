import { execFile } from 'node:child_process'
import { unpackQcow2 } from './qcow2.ts'
import { ImageUnusable } from './unusable.ts'

/** qemu-img's names of Glance's formats; whatever may point to other files of this host is not among them. */
const formats: Readonly<Record<string, string>> = { qcow2: 'qcow2', vdi: 'vdi', vhd: 'vpc', vhdx: 'vhdx' }
/** As Nova limits it: a crafted image must not eat the machine. */
const limits = ['--cpu=120', `--as=${2 * 1024 ** 3}`, '--']

function qemuImg(args: readonly string[], signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env: { PATH: process.env.PATH, LC_ALL: 'C' }, maxBuffer: 16 * 1024 * 1024, signal }
    execFile('prlimit', [...limits, 'qemu-img', ...args], options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout)
      const isAbsent = error.code === 'ENOENT' || /failed to execute qemu-img|No such file/.test(stderr)
      const reason = isAbsent ? 'qemu-img is not installed on the volume host' : stderr.trim()
      reject(ImageUnusable({ reason }, { cause: error }))
    })
  })
}

/** A packed disk image as a raw file; `limitBytes` is the room that there is. */
export async function unpack(
  packed: string,
  format: string,
  target: string,
  { limitBytes, signal }: { limitBytes: number; signal: AbortSignal },
): Promise<void> {
  if (format === 'qcow2') return unpackQcow2(packed, target, limitBytes, signal)
  const name = formats[format]
  if (name === undefined) throw ImageUnusable({ reason: `disk format ${format} is not supported by the volume host` })
  const text = await qemuImg(['info', '-f', name, '--output=json', packed], signal)
  const described = JSON.parse(text) as { 'backing-filename'?: string; 'virtual-size'?: number }
  if (described['backing-filename'] !== undefined) throw ImageUnusable({ reason: 'the image has a backing file' })
  if ((described['virtual-size'] ?? 0) > limitBytes) {
    throw ImageUnusable({ reason: 'the disk in the image is larger than the volume' })
  }
  await qemuImg(['convert', '-f', name, '-O', 'raw', packed, target], signal)
}

/** A raw disk in another format, for an image. */
export async function pack(raw: string, format: string, target: string, signal: AbortSignal): Promise<void> {
  const name = formats[format]
  if (name === undefined) throw ImageUnusable({ reason: `disk format ${format} is not supported by the volume host` })
  await qemuImg(['convert', '-f', 'raw', '-O', name, raw, target], signal)
}

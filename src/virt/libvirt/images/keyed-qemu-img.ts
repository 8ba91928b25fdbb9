import { createCipheriv, randomBytes } from 'node:crypto'
import type { DiskFormat } from './disk-info.ts'
import { type ProgramLimits, type ProgramResult, qemuImg, runLimited } from './qemu-img.ts'

/** A file as qemu-img shall take it, and what opens it. */
export interface KeyedDisk {
  readonly path: string
  readonly format: DiskFormat
  readonly passphrase?: Buffer | undefined
}

/** What we write to is a socket, which no program opens by name; from a pipe it can. */
export const throughPipe = ['-c', 'cat | exec qemu-img "$@"', 'qemu-img'] as const

const masterId = 'master'

/** Everybody on the host sees a program's arguments, so they are wrapped by a key that comes through the pipe. */
function secretObject(id: string, passphrase: Buffer, master: Buffer): readonly string[] {
  const vector = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', master, vector)
  const wrapped = Buffer.concat([cipher.update(passphrase), cipher.final()])
  const data = `data=${wrapped.toString('base64')},iv=${vector.toString('base64')}`
  return ['--object', `secret,id=${id},keyid=${masterId},format=base64,${data}`]
}

/** In options a comma ends the value. */
const escaped = (path: string): string => path.replaceAll(',', ',,')

function imageOptions({ path, format, passphrase }: KeyedDisk, key: string): string {
  const opened = passphrase === undefined ? '' : `,encrypt.key-secret=${key}`
  return `driver=${format},file.driver=file,file.filename=${escaped(path)}${opened}`
}

/**
 * qemu-img on files of which some are encrypted: `argsFor` gets their names in the same order, and shall say
 * `--image-opts` where it uses them. Without passphrases it is qemu-img as ever.
 */
export function keyedQemuImg(
  command: string,
  disks: readonly KeyedDisk[],
  argsFor: (names: readonly string[]) => readonly string[],
  limits: ProgramLimits,
): Promise<ProgramResult> {
  const names = disks.map((disk, i) => imageOptions(disk, `key${i}`))
  const master = randomBytes(32)
  const keys = disks.flatMap(({ passphrase }, i) =>
    passphrase === undefined ? [] : secretObject(`key${i}`, passphrase, master),
  )
  if (keys.length === 0) return qemuImg([command, ...argsFor(names)], limits)
  const first = ['--object', `secret,id=${masterId},format=base64,file=/dev/stdin`]
  const input = Buffer.from(master.toString('base64'))
  return runLimited('sh', [...throughPipe, command, ...first, ...keys, ...argsFor(names)], { ...limits, input })
}

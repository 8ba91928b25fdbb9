import { createCipheriv, createHash, hash, pbkdf2Sync, randomBytes, randomUUID } from 'node:crypto'

/*
 * The header of a LUKS disk (version 1): the key of its contents, which is made here and never seen again, wrapped by a
 * passphrase. Written here rather than by qemu-img because that first measures for seconds how slow a passphrase can be
 * made to guess; ours are keys, which no number of rounds makes harder to guess.
 */

export interface LuksShape {
  /** As dm-crypt writes it: `aes-xts-plain64`. */
  readonly cipher: string
  /** XTS has two keys, and both count. */
  readonly keyBits: number
}

export const usualLuks: LuksShape = { cipher: 'aes-xts-plain64', keyBits: 512 }

/** What is written here; QEMU knows more. */
const wellKnown: Readonly<Record<string, readonly number[]>> = {
  'aes-xts-plain64': [256, 512],
  'aes-cbc-plain64': [128, 256],
  'aes-cbc-essiv:sha256': [128, 256],
}

export const isWritable = ({ cipher, keyBits }: LuksShape): boolean => wellKnown[cipher]?.includes(keyBits) ?? false

export const luksMagic = Buffer.from('LUKS\xba\xbe', 'latin1')
export const sectorBytes = 512
/** Where the header says where the contents begin, in sectors. */
export const payloadAt = 104

const digestName = 'sha256'
const digestBytes = 32
/** The least that QEMU takes. */
const rounds = 1000
const stripes = 4000
const slots = 8
const headerSectors = 8
const slotState = { active: 0x00ac71f3, free: 0x0000dead }
const at = { cipher: 8, mode: 40, digest: 72, keyBytes: 108, check: 112, checkSalt: 132, checkRounds: 164, uuid: 168 }
const slotsAt = 208
const slotBytes = 48
const saltBytes = 32
const checkBytes = 20

const aligned = (sectors: number): number => Math.ceil(sectors / headerSectors) * headerSectors

/** The key spread over so many blocks that no remnant of an erased slot on a disk tells it. */
function spread(key: Buffer): Buffer {
  const blocks = Buffer.concat([randomBytes(key.length * (stripes - 1)), Buffer.alloc(key.length)])
  let mixed: Buffer = Buffer.alloc(key.length)
  for (let i = 0; i < stripes - 1; i++)
    mixed = diffused(xor(mixed, blocks.subarray(i * key.length, (i + 1) * key.length)))
  xor(mixed, key).copy(blocks, key.length * (stripes - 1))
  return blocks
}

function xor(a: Buffer, b: Buffer): Buffer {
  const result = Buffer.allocUnsafe(a.length)
  for (let i = 0; i < a.length; i++) result[i] = (a[i] ?? 0) ^ (b[i] ?? 0)
  return result
}

function diffused(block: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let i = 0; i * digestBytes < block.length; i++) {
    const part = block.subarray(i * digestBytes, (i + 1) * digestBytes)
    const numbered = Buffer.alloc(4 + part.length)
    numbered.writeUInt32BE(i)
    part.copy(numbered, 4)
    parts.push(hash(digestName, numbered, 'buffer').subarray(0, part.length))
  }
  return Buffer.concat(parts)
}

/** Sector by sector, as the contents of a disk; the first one is number 0. */
function encrypted(material: Buffer, key: Buffer, cipher: string): Buffer {
  const [, mode, generator] = cipher.split('-')
  const bits = mode === 'xts' ? key.length * 4 : key.length * 8
  const essivKey = createHash('sha256').update(key).digest()
  const vectorOf = (sector: number): Buffer => {
    const plain = Buffer.alloc(16)
    plain.writeBigUInt64LE(BigInt(sector))
    if (generator !== 'essiv:sha256') return plain
    return createCipheriv('aes-256-ecb', essivKey, null).setAutoPadding(false).update(plain)
  }
  const sectors: Buffer[] = []
  for (let sector = 0; sector * sectorBytes < material.length; sector++) {
    const part = material.subarray(sector * sectorBytes, (sector + 1) * sectorBytes)
    sectors.push(createCipheriv(`aes-${bits}-${mode}`, key, vectorOf(sector)).setAutoPadding(false).update(part))
  }
  return Buffer.concat(sectors)
}

/** All that lies before the contents, to where they begin. Each has a key of its own, whatever the passphrase. */
export function luksHeader(passphrase: Uint8Array, { cipher, keyBits }: LuksShape): Buffer {
  const keyBytes = keyBits / 8
  const key = randomBytes(keyBytes)
  const materialSectors = Math.ceil((keyBytes * stripes) / sectorBytes)
  const slotAt = (slot: number) => headerSectors + slot * aligned(materialSectors)
  const payloadSectors = slotAt(slots)
  const bytes = Buffer.alloc(payloadSectors * sectorBytes)
  const [name = '', ...mode] = cipher.split('-')
  luksMagic.copy(bytes)
  bytes.writeUInt16BE(1, luksMagic.length)
  bytes.write(name, at.cipher)
  bytes.write(mode.join('-'), at.mode)
  bytes.write(digestName, at.digest)
  bytes.writeUInt32BE(payloadSectors, payloadAt)
  bytes.writeUInt32BE(keyBytes, at.keyBytes)
  const checkSalt = randomBytes(saltBytes)
  pbkdf2Sync(key, checkSalt, rounds, checkBytes, digestName).copy(bytes, at.check)
  checkSalt.copy(bytes, at.checkSalt)
  bytes.writeUInt32BE(rounds, at.checkRounds)
  bytes.write(randomUUID(), at.uuid)
  const salt = randomBytes(saltBytes)
  for (let slot = 0; slot < slots; slot++) {
    const begin = slotsAt + slot * slotBytes
    bytes.writeUInt32BE(slot === 0 ? slotState.active : slotState.free, begin)
    if (slot === 0) bytes.writeUInt32BE(rounds, begin + 4)
    if (slot === 0) salt.copy(bytes, begin + 8)
    bytes.writeUInt32BE(slotAt(slot), begin + 40)
    bytes.writeUInt32BE(stripes, begin + 44)
  }
  const wrapping = pbkdf2Sync(passphrase, salt, rounds, keyBytes, digestName)
  const material = Buffer.alloc(materialSectors * sectorBytes)
  spread(key).copy(material)
  encrypted(material, wrapping, cipher).copy(bytes, slotAt(0) * sectorBytes)
  return bytes
}

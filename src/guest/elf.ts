const headersBytes = 64 + 56
const loadAddress = 0x400000

/** Where `elfExecutable` puts the first byte of the code in memory. */
export const codeStart = loadAddress + headersBytes

/** The smallest static x86-64 program file around some machine code: one header, one segment, read and execute. */
export function elfExecutable(code: Buffer): Buffer {
  const file = Buffer.alloc(headersBytes + code.length)
  file.write('\x7fELF\x02\x01\x01', 'latin1') // 64 bit, little endian, version 1
  file.writeUInt16LE(2, 16) // executable
  file.writeUInt16LE(62, 18) // x86-64
  file.writeUInt32LE(1, 20)
  file.writeBigUInt64LE(BigInt(codeStart), 24) // entry
  file.writeBigUInt64LE(64n, 32) // program headers follow
  file.writeUInt16LE(64, 52)
  file.writeUInt16LE(56, 54)
  file.writeUInt16LE(1, 56)
  file.writeUInt32LE(1, 64) // PT_LOAD
  file.writeUInt32LE(5, 68) // read, execute
  file.writeBigUInt64LE(BigInt(loadAddress), 80)
  file.writeBigUInt64LE(BigInt(loadAddress), 88)
  file.writeBigUInt64LE(BigInt(file.length), 96)
  file.writeBigUInt64LE(BigInt(file.length), 104)
  file.writeBigUInt64LE(0x1000n, 112)
  code.copy(file, headersBytes)
  return file
}

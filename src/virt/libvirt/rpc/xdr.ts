/** XDR (RFC 4506) as libvirt uses it: big-endian, everything padded to four bytes. */

/** The peer sent bytes that are not the message they should be; the connection cannot be trusted any more. */
export class MalformedMessage extends Error {}

/** libvirt's REMOTE_STRING_MAX. */
const maxStringBytes = 4 * 1024 * 1024

const padding = (length: number): number => (4 - (length % 4)) % 4

export class XdrWriter {
  #buffer = Buffer.alloc(256)
  #length = 0

  #reserve(bytes: number): number {
    const at = this.#length
    if (at + bytes > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, at + bytes))
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
    }
    this.#length = at + bytes
    return at
  }

  uint(value: number): this {
    const at = this.#reserve(4)
    this.#buffer.writeUInt32BE(value >>> 0, at)
    return this
  }

  int(value: number): this {
    const at = this.#reserve(4)
    this.#buffer.writeInt32BE(value, at)
    return this
  }

  uhyper(value: bigint): this {
    const at = this.#reserve(8)
    this.#buffer.writeBigUInt64BE(value, at)
    return this
  }

  hyper(value: bigint): this {
    const at = this.#reserve(8)
    this.#buffer.writeBigInt64BE(value, at)
    return this
  }

  double(value: number): this {
    const at = this.#reserve(8)
    this.#buffer.writeDoubleBE(value, at)
    return this
  }

  string(text: string): this {
    return this.opaque(Buffer.from(text, 'utf8'))
  }

  /** Variable length: count first. */
  opaque(bytes: Uint8Array): this {
    return this.uint(bytes.length).fixed(bytes)
  }

  /** Fixed length: no count. */
  fixed(bytes: Uint8Array): this {
    // alloc() zero-fills, so the padding is zero already.
    const at = this.#reserve(bytes.length + padding(bytes.length))
    this.#buffer.set(bytes, at)
    return this
  }

  optional<T>(value: T | undefined, write: (writer: this, value: T) => unknown): this {
    this.uint(value === undefined ? 0 : 1)
    if (value !== undefined) write(this, value)
    return this
  }

  array<T>(values: readonly T[], write: (writer: this, value: T) => unknown): this {
    this.uint(values.length)
    for (const value of values) write(this, value)
    return this
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }
}

export class XdrReader {
  readonly #buffer: Buffer
  #at = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  get remaining(): number {
    return this.#buffer.length - this.#at
  }

  #take(bytes: number): number {
    if (bytes > this.remaining) throw new MalformedMessage(`needed ${bytes} bytes, ${this.remaining} left`)
    const at = this.#at
    this.#at += bytes
    return at
  }

  uint(): number {
    return this.#buffer.readUInt32BE(this.#take(4))
  }

  int(): number {
    return this.#buffer.readInt32BE(this.#take(4))
  }

  uhyper(): bigint {
    return this.#buffer.readBigUInt64BE(this.#take(8))
  }

  hyper(): bigint {
    return this.#buffer.readBigInt64BE(this.#take(8))
  }

  double(): number {
    return this.#buffer.readDoubleBE(this.#take(8))
  }

  string(): string {
    return this.opaque().toString('utf8')
  }

  opaque(): Buffer {
    const length = this.uint()
    if (length > maxStringBytes) throw new MalformedMessage(`string of ${length} bytes`)
    return this.fixed(length)
  }

  fixed(length: number): Buffer {
    const at = this.#take(length + padding(length))
    return this.#buffer.subarray(at, at + length)
  }

  optional<T>(read: (reader: this) => T): T | undefined {
    const flag = this.uint()
    if (flag > 1) throw new MalformedMessage(`optional flag ${flag}`)
    return flag === 1 ? read(this) : undefined
  }

  array<T>(read: (reader: this) => T): T[] {
    const count = this.uint()
    // Every element takes at least four bytes, so a count that cannot be true never allocates.
    if (count * 4 > this.remaining) throw new MalformedMessage(`array of ${count} in ${this.remaining} bytes`)
    return Array.from({ length: count }, () => read(this))
  }
}

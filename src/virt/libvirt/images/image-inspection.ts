/** `gpt`: a raw disk with a partition table that says so. */
export type ImageFormat = 'raw' | 'qcow2' | 'vmdk' | 'vdi' | 'vhd' | 'vhdx' | 'iso' | 'gpt' | 'luks' | 'qed'

export interface ImageInspection {
  readonly format: ImageFormat
  /** What a guest would see. */
  readonly virtualBytes: number
  /** What the disk takes once it is unpacked to raw: bounds what a small file can blow up to. */
  readonly unpackedBytes: number
  /** Why it must not be used, or undefined. */
  readonly refusal: string | undefined
  /** Nobody can read it without a passphrase. */
  readonly isEncrypted?: true
}

import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

const trailer = 'TRAILER!!!'

/** One entry of a "newc" archive, which the kernel unpacks as its first root file system. Everything belongs to root. */
function entry(inode: number, mode: number, name: string, content: Buffer): Buffer {
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0]
  const head = Buffer.from(`070701${fields.map(field => field.toString(16).padStart(8, '0')).join('')}${name}\0`)
  return Buffer.concat([head, padding(head.length), content, padding(content.length)])
}

const padding = (length: number) => Buffer.alloc((4 - (length % 4)) % 4)

/** Packs a folder; names sorted, no times, so equal folders give equal archives. */
export async function cpioArchive(folder: string): Promise<Buffer> {
  const parts: Buffer[] = []
  const walk = async (under: string): Promise<void> => {
    for (const name of (await readdir(join(folder, under))).sort()) {
      const path = under === '' ? name : `${under}/${name}`
      const stat = await lstat(join(folder, path))
      let content = Buffer.alloc(0)
      if (stat.isSymbolicLink()) content = Buffer.from(await readlink(join(folder, path)))
      else if (stat.isFile()) content = await readFile(join(folder, path))
      parts.push(entry(parts.length + 1, stat.mode, path, content))
      if (stat.isDirectory()) await walk(path)
    }
  }
  await walk('')
  parts.push(entry(0, 0, trailer, Buffer.alloc(0)))
  return Buffer.concat(parts)
}

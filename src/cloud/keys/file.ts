import { createHash, randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newUuid } from '#base'
import { fixedKeyId } from './fixed.ts'
import { type Key, KeyNotFound, type KeyPort } from './port.ts'

/** The id follows from the name, so that nobody has to remember which is whose. */
const idOf = (name: string): string => {
  const h = createHash('sha256').update(name).digest('hex')
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-8${h.slice(17, 20)}-${h.slice(20, 32)}`
}

/** The key of a Cinder without a key manager is made when nobody says what it is. */
const fixedKeyBytes = 32

const hasCode = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException).code === code

/**
 * Secrets as files of a folder, for Nova's own user alone: where there is no key manager. A secret appears whole or not at
 * all; of two who make the same one at once both get the one that was first.
 */
export function fileKeys(folder: string): KeyPort {
  const fileOf = (id: string): string => {
    // An id is a path component: nothing but a uuid may become one.
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw KeyNotFound({ id })
    return join(folder, id)
  }
  const make = async (id: string, secret: Uint8Array): Promise<void> => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const partial = join(folder, `.${newUuid()}`)
    await writeFile(partial, secret, { mode: 0o600, flush: true })
    try {
      await link(partial, fileOf(id))
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    } finally {
      await rm(partial, { force: true })
    }
  }
  const get = async (id: string): Promise<Key> => {
    try {
      return { id, secret: await readFile(fileOf(id)) }
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
      if (id !== fixedKeyId) throw KeyNotFound({ id })
      await make(id, randomBytes(fixedKeyBytes))
      return get(id)
    }
  }
  return {
    get: (_as, id) => get(id),
    async ensure(_as, name, bytes) {
      const id = idOf(name)
      try {
        return await get(id)
      } catch (error) {
        if (!KeyNotFound.is(error)) throw error
        await make(id, Buffer.from(randomBytes(bytes).toString('base64')))
        return get(id)
      }
    },
    share: async (_as, id) => void (await get(id)),
    remove: (_as, id) => rm(fileOf(id), { force: true }),
    forget: (_as, name) => rm(fileOf(idOf(name)), { force: true }),
  }
}

import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { KeyedQueues, Limiter } from '#base'

/**
 * Passwords at rest: scrypt with N = 2^15, r = 8, p = 1 (32 MiB and some 80 ms of one core), a salt of 16 bytes, a key of
 * 32. The parameters stand in the text, so a later release may raise them. The work runs on libuv's threads.
 */
const cost = { logN: 15, r: 8, p: 1 } as const
const keyBytes = 32

/** Keystone's longest password by default ([identity] max_password_length is 4096; scrypt itself has no limit). */
export const maxPasswordLength = 4096

const derive = (password: string, salt: Buffer, logN: number, r: number, p: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const options: ScryptOptions = { N: 2 ** logN, r, p, maxmem: 2 ** logN * r * 128 * 2 }
    scrypt(password, salt, keyBytes, options, (error, key) => (error === null ? resolve(key) : reject(error)))
  })

/** Compared with when there is no such user, so that the answer takes as long as for a wrong password. */
const nobody = `$scrypt$${cost.logN}$${cost.r}$${cost.p}$${randomBytes(16).toString('base64')}$${randomBytes(keyBytes).toString('base64')}`

/**
 * Hashes and checks. At most two at a time, and one per account: somebody who guesses passwords of one account delays
 * the logins of others by one hash at most, and never the event loop.
 */
export class Passwords {
  readonly #limit = new Limiter(2)
  readonly #accounts = new KeyedQueues<string>()

  hash(password: string): Promise<string> {
    return this.#limit.run(async () => {
      const salt = randomBytes(16)
      const key = await derive(password, salt, cost.logN, cost.r, cost.p)
      return `$scrypt$${cost.logN}$${cost.r}$${cost.p}$${salt.toString('base64')}$${key.toString('base64')}`
    })
  }

  /** `account` names who is tried, for fairness; `stored` null means that nobody can log in. */
  async matches(account: string, password: string, stored: string | null): Promise<boolean> {
    const [, scheme, logN, r, p, salt, key] = (stored ?? nobody).split('$')
    if (scheme !== 'scrypt' || salt === undefined || key === undefined) return false
    const expected = Buffer.from(key, 'base64')
    const actual = await this.#accounts.run(account, () =>
      this.#limit.run(() => derive(password, Buffer.from(salt, 'base64'), Number(logN), Number(r), Number(p))),
    )
    return timingSafeEqual(actual, expected) && stored !== null
  }
}

import { createHash } from 'node:crypto'
import { newUuid } from '#base'
import { affected } from '../engine/index.ts'
import type { Db } from '../tables.ts'

/** What a console token stands for. */
export interface ConsoleGrant {
  readonly instanceId: string
  /** The nova-compute that the guest was on. */
  readonly computeHost: string
  /** `novnc`, `spice-html5`, `spice-direct`, `serial`, `webmks`. */
  readonly consoleType: string
  readonly host: string
  readonly port: number
  readonly tlsPort: number | null
  readonly internalAccessPath: string | null
  readonly accessUrlBase: string
  readonly expiresAtMs: number
}

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')

/** Tokens that let a proxy through to the console of a guest. Only their hashes are kept; they end by time or with the server. */
export class ConsoleTokens {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** Makes a new token; the caller is the only one who ever sees it. */
  async grant(grant: ConsoleGrant, nowMs: number): Promise<string> {
    const token = newUuid()
    await this.#db
      .insertInto('console_auth_tokens')
      .values({
        token_hash: hashOf(token),
        console_type: grant.consoleType,
        host: grant.host,
        port: grant.port,
        tls_port: grant.tlsPort,
        internal_access_path: grant.internalAccessPath,
        access_url_base: grant.accessUrlBase,
        instance_id: grant.instanceId,
        compute_host: grant.computeHost,
        expires_at: grant.expiresAtMs,
        created_at: nowMs,
      })
      .execute()
    return token
  }

  /** Undefined for a token that never was or has expired, and when the server is gone or has moved since. */
  async find(token: string, nowMs: number): Promise<ConsoleGrant | undefined> {
    const row = await this.#db
      .selectFrom('console_auth_tokens')
      .innerJoin('instances', 'instances.id', 'console_auth_tokens.instance_id')
      .selectAll('console_auth_tokens')
      .where('token_hash', '=', hashOf(token))
      .where('expires_at', '>', nowMs)
      .where('instances.deleted', '=', 0)
      .whereRef('instances.host', '=', 'console_auth_tokens.compute_host')
      .executeTakeFirst()
    if (row === undefined) return undefined
    return {
      instanceId: row.instance_id,
      computeHost: row.compute_host ?? '',
      consoleType: row.console_type,
      host: row.host,
      port: row.port,
      tlsPort: row.tls_port,
      internalAccessPath: row.internal_access_path,
      accessUrlBase: row.access_url_base,
      expiresAtMs: row.expires_at,
    }
  }

  async forget(instanceId: string): Promise<void> {
    await this.#db.deleteFrom('console_auth_tokens').where('instance_id', '=', instanceId).execute()
  }

  /** How many went. */
  async purgeExpired(nowMs: number): Promise<number> {
    const gone = this.#db.deleteFrom('console_auth_tokens').where('expires_at', '<=', nowMs)
    return affected(await gone.executeTakeFirstOrThrow())
  }
}

import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Closers } from '#base'
import { createDatabase } from '#store/engine'
import { fastFolder } from '../database/index.ts'
import { type MariaServer, startMariaServer } from '../database/maria-server.ts'
import { Broker, oneUser } from '../rabbit/broker.ts'

export interface Engines {
  readonly database: MariaServer
  readonly databaseUrl: string
  readonly broker: Broker
  close(): Promise<void>
}

/** What an operator asks of MariaDB, and a test need not: a commit is on the disk. */
const durability = ['--innodb-flush-log-at-trx-commit=1', '--innodb-doublewrite=1', '--innodb-buffer-pool-size=256M']

/** A MariaDB and a RabbitMQ of one's own, for services as processes of their own. `parent`: where MariaDB's files lie. */
export async function startEngines({
  parent = fastFolder(),
  isDurable = false,
  virtualHosts = [],
  brokerConfig = '',
}: {
  readonly parent?: string
  readonly isDurable?: boolean
  readonly virtualHosts?: readonly string[]
  /** More lines of rabbitmq.conf. */
  readonly brokerConfig?: string
} = {}): Promise<Engines> {
  const closers = new Closers()
  const folder = mkdtempSync(join(parent, 'engines-'))
  closers.add(() => rmSync(folder, { recursive: true, force: true }))
  try {
    const database = await startMariaServer(folder, isDurable ? durability : [])
    closers.add(() => database.stop())
    const broker = await Broker.start({ definitions: oneUser(virtualHosts), config: brokerConfig })
    closers.add(() => broker.close())
    const databaseUrl = database.url('nova')
    await createDatabase(databaseUrl)
    return { database, databaseUrl, broker, close: () => closers.close() }
  } catch (error) {
    await closers.close()
    throw error
  }
}

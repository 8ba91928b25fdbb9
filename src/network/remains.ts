import { existsSync } from 'node:fs'
import type { Log } from '#base'
import { nameOf, runDirectoryOf } from './plumbing/parts.ts'
import type { Plumber } from './plumbing/plumber.ts'
import { deploymentId, openStore } from './store/open.ts'

/** Whether anything of this network may be on the machine, also of one that was killed while it started. */
export async function isOnMachine(databaseUrl: string): Promise<boolean> {
  const db = await openStore(databaseUrl)
  try {
    return existsSync(runDirectoryOf(nameOf(await deploymentId(db))))
  } finally {
    await db.destroy()
  }
}

/** Takes everything of this network off the machine. */
export async function dismantleNetwork(databaseUrl: string, plumber: Plumber, log: Log): Promise<void> {
  const db = await openStore(databaseUrl)
  try {
    // What was made half is made whole first, so that it bears our mark; where that fails there is less to take away.
    await plumber
      .start(db, await deploymentId(db))
      .catch((error: unknown) => log.warn({ err: error }, 'the network is taken away as it is'))
    await plumber.dismantle()
    await plumber.close()
  } finally {
    await db.destroy()
  }
}

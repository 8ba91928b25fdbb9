import type { Client } from '../bench/client.ts'
import type { Ready } from '../bench/control-plane.ts'

/** Where Debian keeps the Python packages, and the tests in them. */
export const pythonFolder = '/usr/lib/python3/dist-packages'

/** A cloud that runs, its administrator, and a folder for files that the tests read and write. */
export interface SuiteCloud {
  readonly ready: Ready
  readonly client: Client
  readonly adminPassword: string
  readonly folder: string
  readonly hosts: number
}

/** Tests that somebody else wrote, in the form in which Debian packages them. */
export interface Suite {
  readonly name: string
  /** Folder of the tests below `pythonFolder`. */
  readonly tests: string
  /** The tests in it that are about Compute. */
  readonly filter: RegExp
  /** nova.conf, where Nova's defaults are not what the tests are written for. */
  readonly config?: string
  /** Its tests may not run beside each other. */
  readonly isSerial?: boolean
  /** Tests of one class may run in different processes: each makes all it needs. */
  readonly isSplit?: boolean
  /** Its hosts have real guests. */
  readonly isReal?: boolean
  /** Number of hosts that the tests are written for, where it is not ours to choose. */
  readonly hosts?: number
  /** Makes what the tests expect to find; the environment that tells them where it is. */
  prepare(cloud: SuiteCloud): Promise<NodeJS.ProcessEnv>
}

import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { waitFor } from '#base'

const run = promisify(execFile)

export interface IscsiTarget {
  readonly portal: string
  readonly iqn: string
  close(): Promise<void>
}

/** tgtd with one target of one file, for whoever knows user and password. Ends with the test's process. */
export async function iscsiTarget(path: string, user: string, password: string): Promise<IscsiTarget> {
  const iqn = 'iqn.2026-11.nova.test:volume'
  // Control channels are numbers; a port of the same number is nobody's but ours.
  const number = 10_000 + (process.pid % 20_000)
  const portal = `127.0.0.1:${number}`
  const daemon = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', 'tgtd', '-f', '-C', String(number), '--iscsi', `portal=${portal}`],
    { stdio: 'ignore' },
  )
  const admin = (...args: string[]) => run('tgtadm', ['-C', String(number), '--lld', 'iscsi', ...args])
  await waitFor(
    'tgtd',
    () =>
      admin('--op', 'show', '--mode', 'target').then(
        () => true,
        () => undefined,
      ),
    {
      deadlineMs: 60_000,
      everyMs: 50,
    },
  )
  const target = ['--tid', '1']
  await admin('--op', 'new', '--mode', 'target', ...target, '-T', iqn)
  await admin('--op', 'new', '--mode', 'logicalunit', ...target, '--lun', '1', '-b', path)
  await admin('--op', 'new', '--mode', 'account', '--user', user, '--password', password)
  await admin('--op', 'bind', '--mode', 'account', ...target, '--user', user)
  await admin('--op', 'bind', '--mode', 'target', ...target, '-I', 'ALL')
  return {
    portal,
    iqn,
    close: async () => {
      const ended = new Promise(resolve => daemon.once('exit', resolve))
      daemon.kill('SIGKILL')
      await ended
    },
  }
}

/**
 * Keeps packages from starting their services while we install them: a policy-rc.d, Debian's own switch for that.
 *
 * The file obeys only installations that carry our environment variable, and otherwise asks the one that was there
 * before, so a copy left by a kill -9 changes nothing for anybody; the next start still removes it.
 */
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Set for our own apt-get and inherited by the maintainer scripts. */
export const installMark = 'NOVA_SETUP_INSTALL'
const signature = '# nova-ts set-up'

const places = root => {
  const policy = join(root, 'usr/sbin/policy-rc.d')
  return { policy, saved: `${policy}.nova-saved` }
}

const script = saved => `#!/bin/sh
${signature}: services stay off while it installs packages; removed afterwards.
[ -n "$${installMark}" ] && exit 101
[ -x '${saved}' ] && exec '${saved}' "$@"
exit 0
`

const isOurs = path => existsSync(path) && readFileSync(path, 'utf8').includes(signature)

/** Puts the policy in place; a file of somebody else is kept beside it. */
export function holdServices(root = '/') {
  const { policy, saved } = places(root)
  if (existsSync(policy) && !isOurs(policy)) renameSync(policy, saved)
  const fresh = `${policy}.nova-new`
  writeFileSync(fresh, script(saved))
  chmodSync(fresh, 0o755)
  renameSync(fresh, policy)
}

/** Puts back what was there. Harmless when nothing was held. */
export function releaseServices(root = '/') {
  const { policy, saved } = places(root)
  if (existsSync(policy) && !isOurs(policy)) return
  if (existsSync(saved)) renameSync(saved, policy)
  else rmSync(policy, { force: true })
}

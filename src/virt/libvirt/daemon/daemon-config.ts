import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Folder under the state folder, and where the daemons, whose paths are compiled in, see it. Not /var/cache/libvirt: what
 * a QEMU can do is asked once per machine, and libvirt itself knows when to ask again.
 */
const binds = {
  run: '/run/libvirt',
  lib: '/var/lib/libvirt',
  log: '/var/log/libvirt',
  etc: '/etc/libvirt',
} as const

/** Below `etc`: what `live_migration_with_native_tls` needs, under the names that QEMU looks for. */
const certificatesFolder = 'pki'

/** Where in its state folder a separate host has its `ca-cert.pem`, `server-cert.pem`, `client-cert.pem` and their keys. */
export const certificatesOf = (stateDir: string): string => join(stateDir, 'etc', certificatesFolder)

/** A daemon that stands for a host of its own among several of one machine. */
export interface SeparateHost {
  readonly hostname: string
  /** Named network namespace in which its guests and its migrations live. */
  readonly netns: string
  /**
   * Where daemons of other hosts reach it, without any authentication: an address that nothing else of the machine can
   * reach. Whoever connects there is root on this machine.
   */
  readonly privateAddress: string
}

const listening = ({ privateAddress }: SeparateHost) => `listen_tls = 0
listen_tcp = 1
listen_addr = "${privateAddress}"
auth_tcp = "none"
`

const migrating = ({ privateAddress }: SeparateHost) => `migration_address = "${privateAddress}"
migration_host = "${privateAddress}"
migrate_tls_x509_cert_dir = "${binds.etc}/${certificatesFolder}"
`

const libvirtdConf = (uuid: string, host: SeparateHost | undefined) => `# written by nova; the host's identity stays
host_uuid = "${uuid}"
${host === undefined ? '' : listening(host)}auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_ro_perms = "0700"
unix_sock_rw_perms = "0700"
max_clients = 500
max_workers = 40
# five, the default, would let five starting guests hold up every question
max_client_requests = 100
log_outputs = "3:stderr"
`

// cgroup_controllers: only the one in which the daemon has a place of its own.
const qemuConf = (host: SeparateHost | undefined, hasCpu: boolean) => `user = "root"
group = "root"
security_driver = "none"
namespaces = []
dynamic_ownership = 0
swtpm_user = "root"
swtpm_group = "root"
remember_owner = 0
cgroup_controllers = [${hasCpu ? '"cpu"' : ''}]
vnc_listen = "127.0.0.1"
${host === undefined ? '' : migrating(host)}`

/** The user libvirt was compiled for must exist even where qemu.conf names another one, else the QEMU driver stays out. */
const compiledUser = 'libvirt-qemu'
const compiledUserId = 64055

/**
 * The first process of the guests' namespace: /bin/sh, which must not exit, for everything in the namespace ends with it.
 *
 * It is there for three things. Its mount namespace gives the daemons folders of their own. As process 1 of its PID
 * namespace it inherits and reaps the QEMUs (they daemonize), and libvirt's destroy waits until a killed QEMU is reaped:
 * 0.25 s here, 1.4 - 1.8 s where process 1 of the machine is lazy. And it starts a daemon again that died.
 */
const initScript = `#!/bin/sh
# Guests live below this process: ending it ends them.
trap '' INT HUP TERM
read -r pid rest < /proc/self/stat
echo -900 2>/dev/null > /proc/self/oom_score_adj
ulimit -n "$(ulimit -Hn)"
set -e
if [ -n "$NOVA_HOSTNAME" ]; then echo "$NOVA_HOSTNAME" > /proc/sys/kernel/hostname; fi
${Object.entries(binds)
  .map(([folder, path]) => `mkdir -p ${path}; mount --bind "$STATE/${folder}" ${path}`)
  .join('\n')}
mount -t proc proc /proc
if [ -n "$CPU_CGROUP" ]; then
  mount --bind "$CPU_CGROUP" /sys/fs/cgroup/cpu
  # libvirt would look for controllers in the empty tree of the second version beside those of the first.
  umount /sys/fs/cgroup/unified 2>/dev/null || true
fi
# The default pid files lie in /run itself, which all daemons of the machine share.
set +e
# A start that was cut off before libvirt had written down the process of the guest would be "starting" for ever, and
# nothing could be asked of the guest any more. It never happened.
settle() {
  for file in /run/libvirt/qemu/*.xml; do
    grep -qs "^<domstatus .* pid='0'" "$file" || continue
    name=$(basename "$file" .xml)
    qemu=$(cat "/run/libvirt/qemu/$name.pid" 2>/dev/null)
    if [ -n "$qemu" ] && grep -qsa "guest=$name," "/proc/$qemu/cmdline"; then kill -9 "$qemu"; fi
    rm -f "$file" "/run/libvirt/qemu/$name.pid"
    rm -rf /var/lib/libvirt/qemu/domain-[0-9]*-"$name" /var/lib/libvirt/qemu/channel/target/domain-[0-9]*-"$name"
    echo "nova: the start of $name was cut off"
  done
}
# Private copies with the user added, seen only by the daemons. Again before every start: whoever adds a user to the
# machine puts new files in the place of the old ones, and with those our mounts on them are gone.
know() {
  if grep -qs "^${compiledUser}:" "/etc/$1"; then return; fi
  sed '$a\\' "/etc/$1" > "$STATE/$1.new" && echo "${compiledUser}:$2" >> "$STATE/$1.new" &&
    mv "$STATE/$1.new" "$STATE/$1" && mount --bind "$STATE/$1" "/etc/$1"
}
keep() {
  echo 0 2>/dev/null > /proc/self/oom_score_adj
  trap - INT HUP TERM
  while :; do
    if [ "$1" = libvirtd ]; then
      know passwd 'x:${compiledUserId}:${compiledUserId}::/var/lib/libvirt:/usr/sbin/nologin'
      know group 'x:${compiledUserId}:'
      settle
    fi
    "$@"
    echo "nova: $1 ended with $?, starting it again"
    sleep 1
  done
}
keep virtlogd --pid-file /run/libvirt/virtlogd.pid &
keep libvirtd --pid-file /run/libvirt/libvirtd.pid $NOVA_LISTEN &
echo "$pid" > "$STATE/init.pid.new" && mv "$STATE/init.pid.new" "$STATE/init.pid"
while :; do wait; sleep 1; done
`

/** Writes what is missing and what is ours to change; keeps the host's uuid. */
export function writeDaemonConfig(stateDir: string, host: SeparateHost | undefined, hasCpuCgroup = false): void {
  for (const folder of Object.keys(binds)) mkdirSync(join(stateDir, folder), { recursive: true, mode: 0o700 })
  // libvirtd does not start without the folder, and does without what is in it.
  if (host !== undefined) mkdirSync(certificatesOf(stateDir), { recursive: true, mode: 0o700 })
  const conf = join(stateDir, 'etc/libvirtd.conf')
  writeFileSync(conf, libvirtdConf(knownUuid(conf) ?? randomUUID(), host))
  writeFileSync(join(stateDir, 'etc/qemu.conf'), qemuConf(host, hasCpuCgroup))
  writeFileSync(join(stateDir, 'init.sh'), initScript, { mode: 0o700 })
}

const knownUuid = (conf: string): string | undefined =>
  existsSync(conf) ? /^host_uuid = "([0-9a-f-]{36})"$/m.exec(readFileSync(conf, 'utf8'))?.[1] : undefined

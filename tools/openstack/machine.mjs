/**
 * A machine within this one: network devices, mounts and processes of its own. Whatever Neutron's agents, libvirt and guests
 * do in it touches nothing outside, and all of it is gone when its first process ends, also by kill -9.
 */

/**
 * Loopback is down in a new one, the names of network name spaces are the outer machine's, and so are the devices that /sys shows;
 * control groups stay where they are.
 */
const begin = `set -e
ip link set lo up
mkdir -p /run/netns
mount -t tmpfs netns /run/netns
mkdir /run/netns/cgroup
mount --rbind /sys/fs/cgroup /run/netns/cgroup
mount -t sysfs sysfs /sys
mount --rbind /run/netns/cgroup /sys/fs/cgroup
umount -l /run/netns/cgroup
rmdir /run/netns/cgroup
set +e
"$@"
exit $?`

/**
 * @param {readonly string[]} command
 * @returns {string[]} the same in a machine of its own
 */
export const inMachine = command => [
  'setpriv',
  '--pdeathsig',
  'KILL',
  '--',
  'unshare',
  '--net',
  '--mount',
  '--pid',
  '--mount-proc',
  '--fork',
  '--kill-child=SIGKILL',
  // The shell is the first process, which has to take in those whose parents have died.
  'sh',
  '-c',
  begin,
  'sh',
  ...command,
]

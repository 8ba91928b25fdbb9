/**
 * What `npm start` installs on Debian (with --no-install-recommends) for real guests: QEMU, qemu-img, libvirtd with
 * virtlogd. Nothing here needs systemd or D-Bus. `libvirt-clients` is for operators who type virsh.
 */
export const aptPackages = ['qemu-system-x86', 'qemu-utils', 'libvirt-daemon', 'libvirt-clients'] as const

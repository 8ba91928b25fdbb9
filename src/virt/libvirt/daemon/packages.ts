/**
 * What `npm start` installs on Debian (with --no-install-recommends) for real guests: QEMU, qemu-img, libvirtd with
 * virtlogd, UEFI builds and an emulated TPM. Nothing here needs systemd or D-Bus. `libvirt-clients` is for operators who type virsh.
 */
export const aptPackages = [
  'qemu-system-x86',
  'qemu-utils',
  'libvirt-daemon',
  'libvirt-clients',
  'ovmf',
  'swtpm',
  'swtpm-tools',
] as const

/** Clouds of tests that listen on upstream's ports, shifted. */
const clouds = [
  'bin/policy',
  'chaos',
  'cli/openstack',
  'cli/options',
  'cli/options second',
  'cli/options wrong',
  'cli/options url',
  'cli/shares',
  'cli/volumes',
  'clients/smoke',
  'guests/first-commands',
  'guests/first-commands other',
  'guests/instance-ha',
  'guests/kill-matrix',
  'guests/moves',
  'guests/one-host',
] as const
const first = 20_000
/** More than lies between the first and the last of Nova's own ports. */
const step = 20

/**
 * By how much a cloud's ports are shifted: each by its own, for test files run side by side. They all stay below 32768,
 * where the ports begin that the kernel gives to whoever connects somewhere.
 */
export const offsetOf = (cloud: (typeof clouds)[number]): number => first + step * clouds.indexOf(cloud)

import { describe, test } from 'node:test'
import type { GuestShare } from '../../guest-spec.ts'
import { fileSystems } from './file-systems.ts'
import { memoryBacking } from './memory-backing.ts'
import { configured, shows } from './shows.test-kit.ts'

const share = (id: string, tag: string): GuestShare => ({
  id,
  tag,
  protocol: 'NFS',
  exportLocation: `server:/${id}`,
  user: null,
})
const host = { sharePath: ({ id }: GuestShare) => `/mnt/${id}` }
const withShares = { spec: { shares: [share('one', 'data'), share('two', 'docs')] } }
const element = (id: string, tag: string) =>
  `<filesystem type="mount" accessmode="passthrough"><driver type="virtiofs"/><source dir="/mnt/${id}"/><target dir="${tag}"/></filesystem>`

describe('file systems of the host', () => {
  test('each share under its tag', () =>
    shows(fileSystems, withShares, element('one', 'data') + element('two', 'docs'), host))

  test('a guest without shares has none', () => shows(fileSystems, {}, '', host))

  test('their servers reach the guest’s memory', () =>
    shows(
      memoryBacking,
      withShares,
      '<memoryBacking><source type="memfd"/><access mode="shared"/></memoryBacking>',
      host,
    ))

  test('memory that lies in files already stays there', () =>
    shows(
      memoryBacking,
      withShares,
      '<memoryBacking><source type="file"/><access mode="shared"/><allocation mode="immediate"/><discard/></memoryBacking>',
      { ...host, ...configured({ isMemoryFileBacked: true }) },
    ))

  test('memory of a guest without shares is its own', () => shows(memoryBacking, {}, '', host))
})

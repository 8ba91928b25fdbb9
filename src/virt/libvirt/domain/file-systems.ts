import { element } from './element.ts'
import type { Family } from './host.ts'

/** Folders of the host that the guest mounts by their tags; a program of the host serves each. */
export const fileSystems: Family = ({ shares = [] }, { sharePath }) =>
  sharePath === undefined
    ? undefined
    : shares.map(share =>
        element(
          'filesystem',
          { type: 'mount', accessmode: 'passthrough' },
          element('driver', { type: 'virtiofs' }),
          element('source', { dir: sharePath(share) }),
          element('target', { dir: share.tag }),
        ),
      )

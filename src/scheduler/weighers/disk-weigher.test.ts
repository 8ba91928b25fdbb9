import { weigherTable } from '../testing.ts'
import { diskWeigher } from './disk-weigher.ts'

weigherTable(diskWeigher, [
  {
    when: 'free disk',
    hosts: [{ diskFreeMiB: 4096 }, { diskFreeMiB: 1024 }, { diskFreeMiB: 0 }],
    weights: [1, 0.25, 0],
  },
])

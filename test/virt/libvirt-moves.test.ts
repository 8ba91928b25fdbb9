import { after, before, describe } from 'node:test'
import { moveTests } from '#virt/conformance'
import { type MovingBench, movingBench } from './moving-bench.ts'

for (const isShared of [false, true]) {
  describe(`guests between two hosts with libvirt, ${isShared ? 'on shared storage' : 'each with its own disks'}`, () => {
    let bench: MovingBench
    before(async () => {
      bench = await movingBench({ isShared })
    })
    after(() => bench.close())
    moveTests(() => bench)
  })
}

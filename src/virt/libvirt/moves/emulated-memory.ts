import type { GuestContext } from '../guest/guest-context.ts'
import { procedures } from '../rpc/index.ts'
import { parseXml } from '../xml-tree.ts'

/*
 * QEMU before 9.0 loses writes of guests that it emulates while their memory is copied: when it looks a second time at
 * which pages have changed, it forgets to make the guest's next writes to them known again. Pages that are sent in a later
 * round than the first, and written after that, arrive as they were; the guest then hangs or goes wrong at the target.
 * Seen with QEMU 7.2.22 alone, without libvirt: of 128 MiB copied at 6 MiB/s, 23 to 128 pages differed, and none where the
 * size of the memory kept QEMU from that way of looking. Upstream: "physmem: Fix migration dirty bitmap coherency with TCG
 * memory access". A guest that is held still from the first round on writes nothing that could be lost.
 */
const firstWithout = 9_000_000

/** Whether the guest of this definition must be held still while its memory is copied. */
export async function losesWrites({ client }: GuestContext, xml: string): Promise<boolean> {
  if (parseXml(xml).attributes['type'] !== 'qemu') return false
  return (await client.call(procedures.version, undefined)) < firstWithout
}

/**
 * Places in order of falling weight; equal weights keep their order. A heap, because of thousands of hosts only the
 * first few are wanted: building it is linear, each further place costs a logarithm.
 */
export function* bestFirst(weights: Float64Array): Generator<number, void> {
  const heap = new Uint32Array(weights.length)
  for (let place = 0; place < heap.length; place++) heap[place] = place
  const isBefore = (a: number, b: number) => {
    const left = weights[a] ?? 0
    const right = weights[b] ?? 0
    return left > right || (left === right && a < b)
  }
  let size = heap.length
  for (let top = (size >> 1) - 1; top >= 0; top--) sink(heap, top, size, isBefore)
  while (size > 0) {
    const best = heap[0] ?? 0
    size--
    heap[0] = heap[size] ?? 0
    sink(heap, 0, size, isBefore)
    yield best
  }
}

function sink(heap: Uint32Array, from: number, size: number, isBefore: (a: number, b: number) => boolean): void {
  let at = from
  const moving = heap[at] ?? 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= size) break
    if (child + 1 < size && isBefore(heap[child + 1] ?? 0, heap[child] ?? 0)) child++
    if (!isBefore(heap[child] ?? 0, moving)) break
    heap[at] = heap[child] ?? 0
    at = child
  }
  heap[at] = moving
}

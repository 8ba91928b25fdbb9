import { declareFault } from '#base'

/** Flavor and image ask for a layout of CPUs and memory that cannot be, or that contradicts itself. */
export const InvalidNumaRequest = declareFault('InvalidNumaRequest', 'refused', (p: { text: string }) => p.text)

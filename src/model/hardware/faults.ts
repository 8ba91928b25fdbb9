import { declareFault } from '#base'

/** Flavor and image ask for a machine that cannot be, or contradict each other. */
export const InvalidHardwareRequest = declareFault('InvalidHardwareRequest', 'refused', (p: { text: string }) => p.text)

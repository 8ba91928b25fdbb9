import { declareFault } from '#base'

/** The image cannot become a disk here; users read the reason in a message of the volume. */
export const ImageUnusable = declareFault('ImageUnacceptable', 'refused', (p: { reason: string }) => p.reason)

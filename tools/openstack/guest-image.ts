/** Makes the guest image, or finds it made, where there is a network: its kernel is a package, and the neighbours' machine reaches no server. */
import { buildStockImage, guestCache } from '#guest'

await buildStockImage({ cacheDir: guestCache() })

/** A process to be killed: a built-in cloud in the folder of the first argument; prints its addresses as JSON. */
import { startCloud } from './kit.ts'

const [folder = ''] = process.argv.slice(2)
const cloud = await startCloud({ folder })
console.log(JSON.stringify({ identityUrl: cloud.identityUrl, imageUrl: cloud.imageUrl, volumeUrl: cloud.volumeUrl }))

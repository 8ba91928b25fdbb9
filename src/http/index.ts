/**
 * The HTTP server under every API face: request ids, tolerant JSON, typed faults rendered by the face, clean close.
 * Fastify is used here and its types by the faces; nothing of it below level 2. Called by api/kit, placement,
 * metadata, network and the embedded services.
 */
export { type Authenticated, authenticate } from './authenticate.ts'
export { createFace, type Face, type FaceOptions, type FaultAnswer } from './face.ts'
export { listen, PortInUse } from './listen.ts'
export { reasonOf } from './reason.ts'

/**
 * The HTTP server under every API face: request ids, tolerant JSON, typed faults rendered by the face, clean close.
 * What faces of several services read and answer alike lies here too. Fastify is used here and its types by the faces;
 * nothing of it below level 2. Called by api/kit, placement,
 * metadata, network and the embedded services.
 */
export { type Authenticated, authenticate } from './authenticate.ts'
export { createFace, type Face, type FaceOptions, type FaultAnswer } from './face.ts'
export { faultNames, middlewareUnauthorized } from './fault-names.ts'
export { type LateFace, lateFace } from './late-face.ts'
export { listen, PortInUse } from './listen.ts'
export { reasonOf } from './reason.ts'
export { flagOf, paramOf, queryOf } from './request.ts'
export { sendJson } from './send-json.ts'
export { createServiceFace, type ServiceFaceOptions } from './service-face.ts'

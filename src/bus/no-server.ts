import { declareFault } from '#base'

/** Nobody serves the topic under that name now, or nobody answers in time. */
export const NoServer = declareFault(
  'MessagingTimeout',
  'transient',
  (p: { topic: string; server: string }) => `No answer from ${p.topic} on ${p.server}.`,
)

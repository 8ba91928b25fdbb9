/** Where guests look for their metadata, in every cloud. */
export const metadataAddress = '169.254.169.254'

import { str } from '../option.ts'

export const keyManagerSection = {
  fixed_key: str(null, 'Key of encrypted volumes, in hexadecimal digits; without it one is made and kept.', {
    secret: true,
  }),
} as const

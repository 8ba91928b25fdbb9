export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB
export const seconds = (n: number): number => n * 1000
export const minutes = (n: number): number => n * 60_000

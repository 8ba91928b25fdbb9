interface Step {
  update(percent: number | undefined, detail?: string): void
  note(text: string): void
  done(text?: string): void
  stop(): void
}

export function buildDebianPackage(options: {
  root: string
  folder: string
  progress: { step(title: string): Step }
  signal: AbortSignal
}): Promise<string>

/** The demo cannot go on. `message` says why, `action` what to do. */
export class DemoError extends Error {
  override readonly name = 'DemoError'
  readonly action: string

  constructor(message: string, action: string, options?: ErrorOptions) {
    super(message, options)
    this.action = action
  }
}

/** Resolves when `signal` aborts; listens no longer than `until`. */
export function onAbort(signal: AbortSignal, until: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve('aborted')
    signal.addEventListener('abort', () => resolve('aborted'), { once: true, signal: until })
  })
}

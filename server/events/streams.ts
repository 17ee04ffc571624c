const holder = globalThis as typeof globalThis & { toolberthStreamsEnd?: AbortController }

function ending(): AbortController {
  holder.toolberthStreamsEnd ??= new AbortController()
  return holder.toolberthStreamsEnd
}

/** A signal that ends a stream with its request, or with the process. */
export function streamSignal(request: AbortSignal | undefined): AbortSignal {
  return request ? AbortSignal.any([request, ending().signal]) : ending().signal
}

/** Ends every open stream, since a server waits for them before it exits; clients reconnect from their cursor. */
export function endStreams(): void {
  ending().abort()
}

/** Whether the process has ended its streams. */
export function areStreamsEnded(): boolean {
  return ending().signal.aborted
}

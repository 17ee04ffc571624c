/** One frame: type, three zeros, length of what follows (Docker Engine API, "Stream format" of attach). */
const HEADER_BYTES = 8
const STDERR = 2

/**
 * Takes apart the one stream in which the engine sends a container's stdout and stderr. The next piece is read when the
 * promises of `onStdout` and `onStderr` are settled, so a slow reader slows the container down. Resolves at the end of the
 * stream, however it came.
 */
export async function demultiplex(
  stream: AsyncIterable<unknown>,
  receiver: {
    onStdout(data: Buffer): Promise<void> | null
    onStderr(data: Buffer): Promise<void> | null
  },
): Promise<void> {
  const header = Buffer.alloc(HEADER_BYTES)
  let headerBytes = 0
  let left = 0
  try {
    for await (const piece of stream) {
      let data = piece as Buffer
      while (data.length > 0) {
        if (left === 0) {
          const taken = data.copy(header, headerBytes, 0, HEADER_BYTES - headerBytes)
          headerBytes += taken
          data = data.subarray(taken)
          if (headerBytes < HEADER_BYTES) break
          headerBytes = 0
          left = header.readUInt32BE(4)
          continue
        }
        const part = data.subarray(0, left)
        data = data.subarray(part.length)
        left -= part.length
        await (header[0] === STDERR ? receiver.onStderr(part) : receiver.onStdout(part))
      }
    }
  } catch {
    // The engine went away; what became of the container is asked when it is back.
  }
}

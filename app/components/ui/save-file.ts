/** Has the browser save something as a file; nothing of it is sent anywhere. */
export function saveFile(
  fileName: string,
  content: string | Uint8Array<ArrayBuffer>,
  mediaType = typeof content === 'string' ? 'text/plain;charset=utf-8' : 'application/octet-stream',
): void {
  const url = URL.createObjectURL(new Blob([content], { type: mediaType }))
  const link = document.createElement('a')
  link.href = url
  link.download = fileName
  link.click()
  // The download begins after this turn.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

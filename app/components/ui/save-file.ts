/** Has the browser save a text as a file; nothing of it is sent anywhere. */
export function saveFile(fileName: string, text: string, mediaType = 'text/plain;charset=utf-8'): void {
  const url = URL.createObjectURL(new Blob([text], { type: mediaType }))
  const link = document.createElement('a')
  link.href = url
  link.download = fileName
  link.click()
  // The download begins after this turn.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

import { errorOf, followLog, rotateLog } from './log-file.ts'

const ROTATE_MS = 30_000
/** One error per process and interval reaches the terminal; a failing loop must not flood it. */
const QUIET_MS = 10_000
const LONGEST_TEXT = 300

/** Keeps logs bounded and tells the errors written to them, until stopped. */
export function watchLogs(
  logs: { name: string; logFile: string }[],
  tell: (text: string) => void,
): { stop(): void } {
  const followers = logs.map(({ name, logFile }) => {
    let quietUntil = 0
    let unsaid = 0
    return followLog(logFile, (line) => {
      const text = errorOf(line)
      if (text === null) return
      if (Date.now() < quietUntil) {
        unsaid += 1
        return
      }
      const more = unsaid > 0 ? ` (${unsaid} more before it)` : ''
      quietUntil = Date.now() + QUIET_MS
      unsaid = 0
      tell(`${name}: ${text.slice(0, LONGEST_TEXT)}${more} (log: ${logFile})`)
    })
  })
  const rotation = setInterval(() => {
    for (const { logFile } of logs) rotateLog(logFile)
  }, ROTATE_MS)
  return {
    stop() {
      clearInterval(rotation)
      for (const follower of followers) follower.stop()
    },
  }
}

// Loaded before a program (`--expose-gc --import`): for each line that it is sent it collects garbage and tells its memory.
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/** What V8 does when it has no memory left: it lets go of what it kept to be quick, such as compiled code and spare pages. */
const LAST_RESORT = { type: 'major', execution: 'sync', flavor: 'last-resort' }

async function tell() {
  // What one collection frees may have held other things until then, and finalisers run between them.
  for (let n = 0; n < 6; n++) {
    globalThis.gc?.(LAST_RESORT)
    await sleep(50)
  }
  process.stdout.write(`${JSON.stringify({ memory: process.memoryUsage() })}\n`)
}

createInterface({ input: process.stdin }).on('line', () => void tell())
process.stdin.unref?.()

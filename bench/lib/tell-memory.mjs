// Loaded before a program (`--expose-gc --import`): for each line that it is sent it collects garbage and tells its memory.
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

async function tell() {
  // What one collection frees may have held other things until then.
  for (let n = 0; n < 4; n++) {
    globalThis.gc?.()
    await sleep(50)
  }
  process.stdout.write(`${JSON.stringify({ memory: process.memoryUsage() })}\n`)
}

createInterface({ input: process.stdin }).on('line', () => void tell())
process.stdin.unref?.()

import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { type EndStep, endProcess } from '#scripts/processes/end-process.ts'
import { recordOf } from '#scripts/processes/identity.ts'
import { removeHome } from '#scripts/services/system-home.ts'
import { homePaths } from '#scripts/start/home.ts'
import { endLeftovers } from '#scripts/start/process-register.ts'
import { removeEngine } from '#testing/docker/remove-engine.ts'

const ProcessRecord = z.object({ pid: z.int(), startedAt: z.string() })

/** The data is thrown away, so nothing needs time to save it. */
const END_NOW: EndStep[] = [
  { signal: 'SIGTERM', waitMs: 3_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
]

/**
 * One temporary folder for everything a test run makes. A watchdog process outlives the run: however the run ends (Ctrl-C and
 * `kill -9` too), the processes noted with `noteProcess` and those of installations under `homes/` are ended, and the folder is
 * removed.
 */
export function openRunFolder(): { folder: string; close(): Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), 'toolberth-test-'))
  chmodSync(folder, 0o700)
  mkdirSync(join(folder, 'processes'))
  mkdirSync(join(folder, 'homes'))
  const watchdog = spawn(process.execPath, [fileURLToPath(new URL('watchdog.ts', import.meta.url)), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  watchdog.unref()
  watchdog.stdin.on('error', () => undefined)
  return {
    folder,
    async close() {
      await sweepRunFolder(folder)
      watchdog.stdin.end()
    },
  }
}

/** Notes a process that must not outlive the run. Processes that end on their own need no further word. */
export function noteProcess(folder: string, pid: number): void {
  const record = recordOf(pid)
  if (record) writeFileSync(join(folder, 'processes', `${pid}.json`), JSON.stringify(record))
}

/** Ends what is noted and still runs, then removes the folder and what its homes keep elsewhere. */
export async function sweepRunFolder(folder: string): Promise<void> {
  const files = listFolder(join(folder, 'processes'))
  await Promise.all(
    files.map((name) =>
      endProcess(ProcessRecord.parse(JSON.parse(readFileSync(join(folder, 'processes', name), 'utf8'))), {
        steps: END_NOW,
      }),
    ),
  )
  for (const name of listFolder(join(folder, 'homes'))) {
    const home = join(folder, 'homes', name)
    const { processes } = homePaths(home)
    if (existsSync(processes)) await endLeftovers(processes, () => undefined)
    removeHome(home)
  }
  for (const name of listFolder(join(folder, 'engines'))) await removeEngine(join(folder, 'engines', name))
  removeHome(folder)
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

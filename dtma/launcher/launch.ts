import { type ChildProcess, fork } from 'node:child_process'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { AgentBuild } from '#contracts/dtma.ts'
import { currentBuild, makeCurrent, pruneVersions } from './versions.ts'

/** A new build has to be accepted by the control plane within this time, or the one before comes back. */
const TRIAL_MS = Number(process.env.DTMA_UPGRADE_TIMEOUT_SECONDS ?? 90) * 1000
/** The agent ends its servers first. */
const STOP_MS = 60_000
const FIRST_WAIT_MS = 1_000
const LONGEST_WAIT_MS = 30_000
const LAST_WORDS = 1_000

/** What an agent tells its launcher: the control plane accepted it; or another build, unpacked already, shall run. */
export const FromAgent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('up') }),
  z.object({ type: z.literal('upgrade'), build: AgentBuild }),
])
export type FromAgent = z.infer<typeof FromAgent>

/**
 * Runs the agent of the current build and starts it again when it ends. A new build runs on trial: only once the control plane has
 * accepted it `current` leads to it; one that ends before, or takes too long, is replaced by the one before, which is told why.
 */
export async function launch(folder: string): Promise<void> {
  const prefix = resolve(folder, '..', '..')
  let current = currentBuild(prefix)
  let next: string | null = null
  let failed: { build: string; detail: string } | null = null
  let wait = FIRST_WAIT_MS
  let running: ChildProcess | null = null
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      stopping = true
      if (running === null) process.exit(0)
      running.kill('SIGTERM')
    })

  while (!stopping) {
    const build: string = next ?? current
    next = null
    const trial = build !== current
    const { ended, up, upgradeTo } = await runAgent(prefix, build, failed, trial, (child) => {
      running = child
    })
    running = null
    failed = null
    if (trial && up) {
      current = build
      pruneVersions(prefix, [build])
    }
    if (stopping) break
    if (trial && !up) failed = { build, detail: `The new agent did not come up: ${ended}` }
    else if (upgradeTo !== null) next = upgradeTo
    else {
      await pause(wait)
      wait = up ? FIRST_WAIT_MS : Math.min(wait * 2, LONGEST_WAIT_MS)
    }
  }
  process.exit(0)
}

interface Ending {
  /** How it ended, in words. */
  ended: string
  up: boolean
  upgradeTo: string | null
}

function runAgent(
  prefix: string,
  build: string,
  failed: { build: string; detail: string } | null,
  trial: boolean,
  onStart: (child: ChildProcess) => void,
): Promise<Ending> {
  const child = fork(join(prefix, 'versions', build, 'dtma.mjs'), [], {
    env: {
      ...process.env,
      DTMA_PREFIX: prefix,
      DTMA_BUILD: build,
      ...(failed && { DTMA_UPGRADE_FAILED: JSON.stringify(failed) }),
    },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  onStart(child)
  const outcome = { up: false, upgradeTo: null as string | null }
  let lastWords = ''
  let tooLate = false
  let killer: NodeJS.Timeout | undefined
  child.stderr?.on('data', (bytes: Buffer) => {
    process.stderr.write(bytes)
    lastWords = (lastWords + bytes.toString('utf8')).slice(-LAST_WORDS)
  })
  const end = () => {
    child.kill('SIGTERM')
    killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  }
  const trialEnd = setTimeout(() => {
    if (!trial || outcome.up) return
    tooLate = true
    end()
  }, TRIAL_MS)
  child.on('message', (raw) => {
    const message = FromAgent.safeParse(raw)
    if (!message.success) return
    if (message.data.type === 'up') {
      // At once: a machine that is switched off now starts with what has been seen to work.
      if (trial && !outcome.up) makeCurrent(prefix, build)
      outcome.up = true
    } else if (message.data.build !== build) {
      outcome.upgradeTo = message.data.build
      end()
    }
  })
  return new Promise((resolvePromise) => {
    child.on('error', (error) => {
      lastWords += error.message
    })
    child.on('close', (code, signal) => {
      clearTimeout(trialEnd)
      clearTimeout(killer)
      const how = tooLate
        ? `it was not accepted by the control plane within ${TRIAL_MS / 1000} s.`
        : `it ended with ${signal ?? `code ${code}`}.`
      resolvePromise({ ...outcome, ended: `${how} ${lastWords.trim()}`.trim() })
    })
  })
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolvePromise) => setTimeout(resolvePromise, milliseconds))
}

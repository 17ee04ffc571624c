import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '#scripts/services/ports.ts'
import { hashToken, newToken } from '#server/secrets/tokens.ts'
import type { Installation } from './installation.ts'
import { until } from './until.ts'

export type ToolboxProcess = {
  id: string
  /** `127.0.0.1:port`, as the control plane dials it. */
  address: string
  /** Starts its agent unless it runs, also again after `kill`. */
  start(): void
  /** kill -9, with nobody to restart it. */
  kill(): Promise<void>
  /** Its agent stands still: connections are accepted, and nothing is answered until the answer is called. */
  freeze(): () => void
  /** Ends its agent and deletes the home. */
  dispose(): Promise<void>
}

/** Where an agent runs: what stands in front of its command, the address it is dialled at, and more of its environment. */
export type Place = { command: readonly string[]; host: string; env: Record<string, string> }

/** What is shown of the log of an agent that did not become active, in characters. */
const LOG_TAIL = 4000

const ENTRY = fileURLToPath(new URL('../../dtma/index.ts', import.meta.url))

/** A toolbox beside the local one, as another machine's would be: enrolled by token, supervised by nobody. Active when answered. */
export async function startToolboxProcess(
  installation: Pick<Installation, 'rows' | 'client' | 'env'> & { registry: { npmrcPath: string } },
  name: string,
  /** Told every process that is started. */
  note: (pid: number) => void,
  place: Place = { command: [], host: '127.0.0.1', env: {} },
): Promise<ToolboxProcess> {
  const token = newToken('tbe')
  const [row] = await installation.rows<{ id: string }>(
    `WITH box AS (INSERT INTO toolboxes (name, kind) VALUES ($1, 'host') RETURNING id)
     INSERT INTO toolbox_enrollments (toolbox_id, token_hash, expires_at)
     SELECT id, $2, now() + interval '1 hour' FROM box RETURNING toolbox_id AS id`,
    [name, hashToken(token)],
  )
  const id = row?.id ?? ''
  // The users of its servers have to reach it.
  const home = mkdtempSync(join(tmpdir(), 'toolberth-box-'))
  chmodSync(home, 0o711)
  const port = await freePort()
  let agent: ChildProcess | null = null

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = agent
    agent = null
    if (ending === null || ending.exitCode !== null) return
    const exit = once(ending, 'exit')
    ending.kill(signal)
    await exit
  }

  const [program, ...args] = [...place.command, process.execPath, ENTRY]

  const box: ToolboxProcess = {
    id,
    address: `${place.host}:${port}`,
    start() {
      if (agent !== null) return
      const log = openSync(join(home, 'agent.log'), 'a', 0o600)
      agent = spawn(program, args, {
        env: {
          ...process.env,
          DTMA_HOME: join(home, 'dtma'),
          DTMA_PORT: String(port),
          DTMA_HOST: place.host,
          DTMA_ADVERTISED_URL: `https://${place.host}:${port}`,
          CONTROL_PLANE_URL: `http://127.0.0.1:${installation.env.PORT}`,
          ENROLLMENT_TOKEN: token,
          DTMA_NPM_USERCONFIG: installation.registry.npmrcPath,
          ...place.env,
        },
        stdio: ['ignore', log, log],
      })
      closeSync(log)
      if (agent.pid) note(agent.pid)
    },
    kill: () => end('SIGKILL'),
    freeze() {
      const frozen = agent
      frozen?.kill('SIGSTOP')
      return () => frozen?.kill('SIGCONT')
    },
    async dispose() {
      await end('SIGTERM')
      rmSync(home, { recursive: true, force: true })
    },
  }
  box.start()
  try {
    await until(`toolbox ${name} is active`, async () => {
      const { state } = await installation.client.toolboxes.get.query({ id })
      return state === 'active'
    })
  } catch (error) {
    const log = readFileSync(join(home, 'agent.log'), 'utf8').slice(-LOG_TAIL)
    await box.dispose()
    throw new Error(`Its agent said:\n${log}`, { cause: error })
  }
  return box
}

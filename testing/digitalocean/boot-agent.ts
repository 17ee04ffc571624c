import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fileOf } from './droplet-run.ts'
import type { SimulatedDroplet } from './shapes.ts'

const ENTRY = fileURLToPath(new URL('../../dtma/index.ts', import.meta.url))

export interface BootedAgent {
  pid: number
  /** Switches the machine off: its agent ends and its disk is deleted. */
  end(): Promise<void>
}

/**
 * What booting comes to on a simulated droplet: the real agent, with the process driver, given nothing but what cloud-init would
 * find in the user data. The droplet's address has to be 127.0.0.1.
 */
export function bootAgent(
  droplet: SimulatedDroplet,
  options: { port: number; npmrcPath?: string },
): BootedAgent {
  const home = mkdtempSync(join(tmpdir(), 'toolberth-droplet-'))
  // The users of its servers have to reach it.
  chmodSync(home, 0o711)
  const log = openSync(join(home, 'agent.log'), 'a', 0o600)
  const agent: ChildProcess = spawn(process.execPath, [ENTRY], {
    env: {
      ...process.env,
      DTMA_HOME: join(home, 'dtma'),
      DTMA_PORT: String(options.port),
      DTMA_ADVERTISED_URL: `https://${droplet.ipv4}:${options.port}`,
      CONTROL_PLANE_URL: fileOf(droplet, 'CONTROL_PLANE_URL'),
      ENROLLMENT_TOKEN: fileOf(droplet, 'token'),
      ...(options.npmrcPath && { DTMA_NPM_USERCONFIG: options.npmrcPath }),
    },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  return {
    pid: agent.pid ?? 0,
    async end() {
      if (agent.exitCode === null && agent.signalCode === null) {
        const exit = once(agent, 'exit')
        agent.kill('SIGTERM')
        await exit
      }
      rmSync(home, { recursive: true, force: true })
    },
  }
}

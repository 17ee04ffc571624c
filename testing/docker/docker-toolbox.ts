import { spawn } from 'node:child_process'
import { createConnection, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import type { Installation } from '#testing/faults/installation.ts'
import { addToolbox, type SecondToolbox } from '#testing/faults/second-toolbox.ts'
import { noteProcess } from '#testing/run-folder.ts'
import { startTestEngine, type TestEngine } from './engine.ts'

export type DockerToolbox = SecondToolbox & { engine: TestEngine }

const RELAY = fileURLToPath(new URL('relay.ts', import.meta.url))

/**
 * A toolbox as another machine with an engine would be one: its agent runs in the engine's network, is dialled at an address of
 * that, and reaches the control plane on its own loopback.
 */
export async function addDockerToolbox(
  installation: Installation,
  name: string,
  env: Record<string, string> = {},
): Promise<DockerToolbox> {
  const engine = await startTestEngine()
  const web = Number(installation.env.PORT)
  const socketPath = join(dirname(engine.socketPath), 'web.sock')
  const bridge = createServer((inner) => {
    const outer = createConnection(web, '127.0.0.1')
    inner.on('error', () => outer.destroy())
    outer.on('error', () => inner.destroy())
    inner.pipe(outer).pipe(inner)
  }).listen(socketPath)
  const [program, ...args] = [...engine.inside, process.execPath, RELAY, String(web), socketPath]
  const relay = spawn(program, args, { stdio: 'ignore' })
  if (relay.pid !== undefined) noteProcess(inject('runFolder'), relay.pid)

  async function stop(): Promise<void> {
    relay.kill('SIGKILL')
    bridge.close()
    await engine.stop()
  }
  try {
    const box = await addToolbox(installation, name, {
      command: engine.inside,
      host: engine.namespace.address,
      env: {
        DTMA_DRIVER: 'docker',
        DOCKER_HOST: `unix://${engine.socketPath}`,
        DTMA_NETWORK_POOL: engine.namespace.pool,
        ...env,
      },
    })
    return {
      ...box,
      engine,
      async dispose() {
        await box.dispose()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

import { createHash } from 'node:crypto'
import type { DtmaEnv } from '#dtma/env.ts'
import type { Home } from '#dtma/home.ts'
import type { Logger } from '#dtma/logger.ts'
import type { Enrollment } from '#dtma/state/identity-store.ts'
import { createDockerDriver, engineAnswers } from './docker.ts'
import type { Driver } from './driver.ts'
import { createProcessDriver } from './process.ts'

/** The driver that the environment asks for. */
export async function createDriver(input: {
  env: DtmaEnv
  home: Home
  logger: Logger
  /** Of the agent's own key; what it makes is marked by it. */
  certificate: string
  enrollment(): Enrollment | null
}): Promise<Driver> {
  const { env, home, logger } = input
  const socketPath = env.DOCKER_HOST.replace(/^unix:\/\//, '')
  const useDocker =
    env.DTMA_DRIVER === 'docker' || (env.DTMA_DRIVER === 'auto' && (await engineAnswers(socketPath)))
  if (!useDocker) {
    return createProcessDriver({
      home,
      allowUnisolated: env.ALLOW_UNISOLATED,
      npmUserConfig: env.DTMA_NPM_USERCONFIG,
    })
  }
  const agent = createHash('sha256').update(input.certificate).digest('hex').slice(0, 32)
  return createDockerDriver({
    home,
    socketPath,
    owner() {
      const enrollment = input.enrollment()
      if (enrollment === null) return null
      return { installationId: enrollment.installationId, toolboxId: enrollment.toolboxId, agent }
    },
    networkPool: env.DTMA_NETWORK_POOL,
    nodeImage: env.DTMA_NODE_IMAGE,
    npmUserConfig: env.DTMA_NPM_USERCONFIG,
    allowUnisolated: env.ALLOW_UNISOLATED,
    onProblem: (text) => logger.warn(text),
  })
}

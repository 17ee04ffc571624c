import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { inject } from 'vitest'
import { REGISTRY_PROGRAM } from '#scripts/ensure-docker.ts'
import { freePort } from '#scripts/services/ports.ts'
import { noteProcess } from '#testing/run-folder.ts'

export const registryUnavailable = (): boolean => !existsSync(REGISTRY_PROGRAM)

export const REGISTRY_LOGIN = { username: 'robot', password: 'open-sesame' }
/** That login, as `htpasswd -nB` writes it. */
const HTPASSWD = 'robot:$2b$05$abcdefghijklmnopqrstuutXu9KzOt.1yBoZUeFWoT/914/JfszCO\n'

const UP_WITHIN_MS = 30_000

/** A registry with a password at an address that a test engine trusts. */
export async function startImageRegistry(address: string) {
  const folder = mkdtempSync(join(inject('runFolder'), 'registry-'))
  const host = `${address}:${await freePort()}`
  writeFileSync(join(folder, 'htpasswd'), HTPASSWD)
  const config = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: host, secret: 'only-for-tests' },
    auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } },
  }
  // JSON is YAML.
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config))
  const server = spawn(REGISTRY_PROGRAM, ['serve', join(folder, 'config.yml')], { stdio: 'ignore' })
  const exit = once(server, 'exit')
  if (server.pid !== undefined) noteProcess(inject('runFolder'), server.pid)
  const end = Date.now() + UP_WITHIN_MS
  while (!(await fetch(`http://${host}/v2/`).then(Boolean, () => false))) {
    if (Date.now() > end || server.exitCode !== null) throw new Error('The registry did not start.')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    host,
    /** Pushes a local image under a name (`repository:tag`) of this registry, and forgets both names of it here. */
    async push(docker: Docker, image: string, name: string): Promise<void> {
      const [repository, tag] = name.split(':')
      await docker.getImage(image).tag({ repo: `${host}/${repository}`, tag })
      const pushed = docker.getImage(`${host}/${name}`)
      const stream = await pushed.push({ authconfig: { ...REGISTRY_LOGIN, serveraddress: host } })
      await new Promise<void>((resolve, reject) => {
        docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error)))
      })
      await pushed.remove()
      await docker.getImage(image).remove()
    },
    async stop(): Promise<void> {
      server.kill()
      await exit
    },
  }
}

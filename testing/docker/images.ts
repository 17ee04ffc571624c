import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type Docker from 'dockerode'
import { makeRootFilesystem } from './root-filesystem.ts'

/** Node, npm and our server, started by nothing. */
export const BASE_IMAGE = 'toolberth-test/base:1'
/** Our server over stdio, as a user by number. */
export const STDIO_IMAGE = 'toolberth-test/stdio:1'

/** Imports the base image; the others are made of it by `addImage`. */
export async function importBaseImage(docker: Docker, folder: string): Promise<void> {
  const root = mkdtempSync(join(folder, 'rootfs-'))
  try {
    makeRootFilesystem(root)
    const tar = spawn('tar', ['--owner=0', '--group=0', '-C', root, '-c', '.'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [repo, tag] = BASE_IMAGE.split(':')
    const changes = 'ENV PATH=/usr/local/bin:/usr/bin'
    const stream = await docker.importImage(tar.stdout, { fromSrc: '-', repo, tag, changes })
    await follow(docker, stream)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
  await addImage(docker, STDIO_IMAGE, ['USER 1000:1000', 'CMD ["node", "/app/server.js"]'])
}

/** An image of the same files with other settings; `changes` are lines of a Dockerfile. */
export async function addImage(docker: Docker, name: string, changes: string[]): Promise<void> {
  const container = await docker.createContainer({ Image: BASE_IMAGE, Cmd: ['none'] })
  const [repo, tag] = name.split(':')
  await container.commit({ repo, tag, changes: changes.join('\n') })
  await container.remove()
}

function follow(docker: Docker, stream: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error)))
  })
}

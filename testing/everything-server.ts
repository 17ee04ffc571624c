import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { inject } from 'vitest'
import { noteProcess } from '#testing/run-folder.ts'

const require = createRequire(import.meta.url)
/** The program of the reference server: `node EVERYTHING stdio|streamableHttp`. */
export const EVERYTHING = require.resolve('@modelcontextprotocol/server-everything/dist/index.js')

/** Enough for a cold start on a busy 2-core machine. */
const READY_WITHIN_MS = 30_000

/**
 * Starts the reference server `@modelcontextprotocol/server-everything` over streamable HTTP on a free loopback port, as a peer
 * that is not ours. `stop` ends it and waits for its end.
 */
export async function startEverythingServer(
  port?: number,
): Promise<{ url: string; port: number; stop(): Promise<void> }> {
  const bound = port ?? (await freePort())
  const child = spawn(process.execPath, [EVERYTHING, 'streamableHttp'], {
    env: { NODE_ENV: 'production', PATH: process.env.PATH, PORT: String(bound) },
    stdio: 'ignore',
  })
  // A test that fails before `stop` leaves nothing behind.
  if (child.pid !== undefined) noteProcess(inject('runFolder'), child.pid)
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = `http://127.0.0.1:${bound}/mcp`
  const deadline = Date.now() + READY_WITHIN_MS
  for (;;) {
    const answered = await fetch(url, { signal: AbortSignal.timeout(1000) }).then(
      () => true,
      () => false,
    )
    if (answered) break
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error('server-everything did not start.')
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    url,
    port: bound,
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => void server.close(() => resolve()))
  return port
}

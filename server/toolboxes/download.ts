import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { AppError, toErrorAnswer } from '#server/errors.ts'
import { agentFile, requireAgentPackage } from './agent-package.ts'
import { installScript } from './install-script.ts'
import { findNodeProgram } from './node-program.ts'

type File = { body: BodyInit | null; type: string; etag: string }

/**
 * What a new machine fetches, to anybody who asks: the install script, the agent, their SHA-256 sums, and Node for machines like
 * this one. None of it is secret, and all of it is checked against sums that came another way.
 */
export async function download(name: string, request: Request): Promise<Response> {
  try {
    const file = await find(name, request.headers.get('if-none-match'))
    if (!file) return new Response('There is no such file.\n', { status: 404 })
    const headers = { 'content-type': file.type, etag: file.etag, 'cache-control': 'no-cache' }
    if (file.body === null) return new Response(null, { status: 304, headers })
    return new Response(file.body, { headers })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const { text, action } = toErrorAnswer(error, 'none')
    return new Response(`${text} ${action}\n`, { status: 503 })
  }
}

async function find(name: string, knownTag: string | null): Promise<File | null> {
  const of = async (sha256: string, type: string, body: () => Promise<BodyInit> | BodyInit) => {
    const etag = `"${sha256}"`
    return { type, etag, body: knownTag === etag ? null : await body() }
  }
  if (name === 'agent.tgz' || name === 'agent.tgz.sha256') {
    const { sha256 } = await requireAgentPackage()
    if (name.endsWith('.sha256')) return of(sha256, 'text/plain', () => `${sha256}  agent.tgz\n`)
    return of(sha256, 'application/gzip', async () => new Uint8Array(await readFile(agentFile('agent.tgz'))))
  }
  if (name === 'install.sh' || name === 'install.sh.sha256') {
    const { text, sha256 } = await installScript()
    if (name.endsWith('.sha256')) return of(sha256, 'text/plain', () => `${sha256}  install.sh\n`)
    return of(sha256, 'text/x-shellscript; charset=utf-8', () => text)
  }
  if (!name.startsWith('node-')) return null
  const node = await findNodeProgram()
  if (!node || name !== `node-${node.platform}.gz`) return null
  return of(
    node.sha256,
    'application/gzip',
    () => Readable.toWeb(createReadStream(agentFile('node.gz'))) as ReadableStream<Uint8Array>,
  )
}

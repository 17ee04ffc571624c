#!/usr/bin/env node
// An MCP server without dependencies, over stdio, or over HTTP when PORT is set or `--port N` given. Its tools say what a
// container lets them do.
import { spawn } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createConnection } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/** Of 2026-07-28, and no other version. */
const stateless = process.env.ERA === 'stateless'
const held = []
const asked = new Map()
const say = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const text = (schema) => ({ type: 'object', properties: schema })

/** Each path with its content, or the code of the failure. */
async function attempt(paths, action) {
  const results = {}
  for (const path of paths) {
    results[path] = await action(path).then(
      (value) => ({ ok: true, value: String(value ?? '').slice(0, 4000) }),
      (error) => ({ ok: false, code: error.code ?? error.cause?.code ?? error.message }),
    )
  }
  return results
}

const TOOLS = {
  echo: ({ message }) => `Echo: ${message}`,
  whoami: async () => ({
    pid: process.pid,
    uid: process.getuid(),
    gid: process.getgid(),
    args: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    status: await readFile('/proc/self/status', 'utf8'),
  }),
  read_files: ({ paths }) => attempt(paths, (path) => readFile(path, 'utf8')),
  list_folders: ({ paths }) => attempt(paths, async (path) => (await readdir(path)).join('\n')),
  write_files: ({ paths, content = 'written' }) => attempt(paths, (path) => writeFile(path, content)),
  connect: ({ host, port }) =>
    new Promise((resolve) => {
      const socket = createConnection({ host, port, timeout: 2_000 })
      const end = (answer) => {
        socket.destroy()
        resolve(answer)
      }
      socket.once('connect', () => end('connected'))
      socket.once('timeout', () => end('timeout'))
      socket.once('error', (error) => end(error.code))
    }),
  print: ({ line }) => {
    console.error(line)
    return 'printed'
  },
  /** Says that its tools changed, and asks the client something; the answer is what it got. */
  ask: ({ method }) => {
    say({ method: 'notifications/tools/list_changed' })
    const { promise, resolve } = Promise.withResolvers()
    asked.set('question', resolve)
    say({ id: 'question', method })
    return promise
  },
  /** Process ids with what came of sending them a signal. */
  kill: ({ pids, signal = 'SIGKILL' }) => attempt(pids, async (pid) => process.kill(pid, signal)),
  crash: ({ code }) => process.exit(code),
  allocate: async ({ megabytes }) => {
    for (let i = 0; i < megabytes; i += 16) {
      held.push(Buffer.alloc(16 * 1024 * 1024, 1))
      await sleep(5)
    }
    return held.length * 16
  },
  /** How many children came to be. */
  fork: async ({ count }) => {
    let made = 0
    for (let i = 0; i < count; i++) {
      try {
        const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
        child.on('error', () => {})
        if (child.pid !== undefined) made++
      } catch {
        break
      }
    }
    return made
  },
}

async function answer({ id, method, params = {}, ...rest }) {
  if (method === undefined) return asked.get(id)?.(rest) ?? null
  const reply = (body) => ({ jsonrpc: '2.0', id, ...body })
  if (id === undefined) return null
  const error = { code: -32_601, message: `There is no ${method}.` }
  if (method === (stateless ? 'initialize' : 'server/discover')) return reply({ error })
  if (method === 'server/discover')
    return reply({
      result: { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
    })
  if (method === 'initialize') {
    return reply({
      result: {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'container-server', version: '1.0.0' },
      },
    })
  }
  if (method === 'ping') return reply({ result: {} })
  if (method === 'tools/list') {
    return reply({ result: { tools: Object.keys(TOOLS).map((name) => ({ name, inputSchema: text({}) })) } })
  }
  const tool = method === 'tools/call' ? TOOLS[params.name] : undefined
  if (!tool) return reply({ error })
  const value = await tool(params.arguments ?? {})
  const content = [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }]
  return reply({ result: { content } })
}

function serveHttp(port) {
  createServer(async (request, response) => {
    if (request.method !== 'POST') return response.writeHead(405).end()
    let body = ''
    for await (const chunk of request) body += chunk
    const reply = await answer(JSON.parse(body))
    if (reply === null) return response.writeHead(202).end()
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply))
  }).listen(port, process.env.HOST)
}

const flag = process.argv.indexOf('--port')
const port = flag === -1 ? process.env.PORT : process.argv[flag + 1]
console.error('container-server is up')
if (process.env.ALLOCATE_MB) await TOOLS.allocate({ megabytes: Number(process.env.ALLOCATE_MB) })
const needed = process.env.NEEDS
if (needed && !process.env[needed]) {
  console.error(`Error: ${needed} environment variable is required`)
  process.exit(1)
}
if (process.env.EXIT_CODE) process.exit(Number(process.env.EXIT_CODE))
if (port) serveHttp(Number(port))
else {
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const reply = await answer(JSON.parse(line))
    if (reply !== null) process.stdout.write(`${JSON.stringify(reply)}\n`)
  })
}

import { createInterface } from 'node:readline'
import type { Run } from '#dtma/drivers/driver.ts'

/** Calls a tool of the server in `testing/docker/server` and answers its text, parsed when it is JSON. */
export type ToolCaller = <T = string>(name: string, args?: Record<string, unknown>) => Promise<T>

type Answer = { id: number; result?: { content?: { text: string }[] }; error?: { message: string } }

/** Over the pipes of a run. A call that the server never answers stays open. */
export function callOverStdio(run: Run): ToolCaller {
  const waiting = new Map<number, (answer: Answer) => void>()
  let next = 0
  if (run.stdio === null) throw new Error('This run has no pipes.')
  const { stdin, stdout } = run.stdio
  stdin.on('error', () => undefined)
  createInterface({ input: stdout }).on('line', (line) => {
    const answer = JSON.parse(line) as Answer
    waiting.get(answer.id)?.(answer)
  })
  return (name, args) =>
    new Promise((resolve, reject) => {
      const id = ++next
      waiting.set(id, (answer) => settle(answer, resolve as (value: unknown) => void, reject))
      stdin.write(`${JSON.stringify(request(id, name, args))}\n`)
    })
}

/** Over the port of a run. */
export function callOverHttp(run: Run): ToolCaller {
  const host = run.listensOn?.hosts[0] ?? ''
  return async (name, args) => {
    const answer = await fetch(`http://${host}:${run.listensOn?.port}/mcp`, {
      method: 'POST',
      body: JSON.stringify(request(1, name, args)),
    })
    const body = (await answer.json()) as Answer
    return new Promise((resolve, reject) => settle(body, resolve as (value: unknown) => void, reject))
  }
}

const request = (id: number, name: string, args: Record<string, unknown> = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
})

function settle(answer: Answer, resolve: (value: unknown) => void, reject: (error: Error) => void): void {
  const text = answer.result?.content?.[0]?.text
  if (text === undefined) return reject(new Error(answer.error?.message ?? 'no answer'))
  try {
    resolve(JSON.parse(text))
  } catch {
    resolve(text)
  }
}

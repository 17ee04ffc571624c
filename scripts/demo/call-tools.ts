import { performance } from 'node:perf_hooks'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { DemoError } from './demo-error.ts'
import type { DemoReport, Step } from './report.ts'

/** What is called, and what the answer has to say. */
const CALLS = [
  { tool: 'echo', arguments: { message: 'hello from Toolberth' }, expected: 'hello from Toolberth' },
  { tool: 'get-sum', arguments: { a: 19, b: 23 }, expected: '42' },
]

/** Calls tools as any agent would: the official SDK's client, the agent's URL and its token. Throws DemoError for a wrong answer. */
export async function callTools(
  agent: { url: string; token: string },
  slug: string,
  { step, report, signal }: { step: Step; report: DemoReport; signal: AbortSignal },
): Promise<void> {
  const client = new Client({ name: 'toolberth-demo', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(agent.url), {
    requestInit: { headers: { authorization: `Bearer ${agent.token}` } },
  })
  try {
    const names = await step('List the tools through the gateway', async () => {
      await client.connect(transport, { signal })
      const { tools } = await client.listTools(undefined, { signal })
      return tools.map(({ name }) => name)
    })
    for (const call of CALLS) {
      const name = `${slug}__${call.tool}`
      await step(`Call ${name}(${JSON.stringify(call.arguments)})`, async () => {
        if (!names.includes(name))
          throw new DemoError(
            `The gateway does not list ${name}; it lists ${names.join(', ') || 'nothing'}.`,
            'Look at the tools on the page of the server; its package may have renamed them.',
          )
        const startedAt = performance.now()
        const result = await client.callTool({ name, arguments: call.arguments }, undefined, { signal })
        const ms = Math.round(performance.now() - startedAt)
        const answer = textOf(result.content)
        report.calls.push({ tool: name, arguments: call.arguments, answer, ms })
        if (result.isError === true || !answer.includes(call.expected))
          throw new DemoError(
            `${name} answered ${JSON.stringify(answer)}, which does not say ${JSON.stringify(call.expected)}.`,
            'Look at the log of the server; its package may have changed what this tool answers.',
          )
      })
    }
    await transport.terminateSession()
  } finally {
    await client.close()
  }
}

function textOf(content: unknown): string {
  if (!Array.isArray(content)) return ''
  return content
    .flatMap((part: { text?: unknown }) => (typeof part.text === 'string' ? part.text : []))
    .join('\n')
}

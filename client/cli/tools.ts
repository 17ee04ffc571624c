import { text as readAll } from 'node:stream/consumers'
import type { Command } from 'commander'
import { type Action, type CliContext, endAsFailed } from './context.ts'
import { UsageError } from './errors.ts'
import { findAgent } from './find.ts'
import { table } from './table.ts'

export function addToolCommands(program: Command, action: Action): void {
  const tools = program.command('tools').description('list and call tools as an agent, through the gateway')

  tools
    .command('list <agent>')
    .description('every tool that the agent sees')
    .action(
      action(async ({ toolberth, answer, note }, given: string) => {
        const { id: agentId } = await findAgent(toolberth, given)
        const listed = await toolberth.tools.list.query({ agentId })
        for (const [slug, { state, reason }] of Object.entries(listed.backends))
          note(`${slug} is ${state}${reason === undefined ? '' : `: ${reason}`}`)
        const rows = listed.tools.map(({ name, description }) => [name, firstLine(description)])
        answer(listed.tools, table(['TOOL', 'DOES'], rows, 'There are no tools.'))
      }),
    )

  tools
    .command('call <agent> <tool> [arguments]')
    .description('call a tool with a JSON object, "-" for standard input; ends with 1 when it fails')
    .action(action(call))
}

async function call({ toolberth, answer }: CliContext, given: string, name: string, json = '{}') {
  const args = parseArguments(json === '-' ? await readAll(process.stdin) : json)
  const { id: agentId } = await findAgent(toolberth, given)
  const called = await toolberth.tools.call.mutate({ agentId, name, arguments: args })
  const said = called.error ? called.error.message : textOf(called.result)
  answer(called, said)
  if (called.outcome !== 'ok') endAsFailed()
}

/** Throws UsageError. */
function parseArguments(json: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    value = null
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`The arguments are no JSON object. Write them as '{"name": "value"}'.`)
  return value as Record<string, unknown>
}

/** What a result says in text; what it has besides as JSON. */
function textOf(result: Record<string, unknown> | null): string {
  const content = Array.isArray(result?.content) ? (result.content as Record<string, unknown>[]) : []
  return content
    .map((one) => (one.type === 'text' && typeof one.text === 'string' ? one.text : JSON.stringify(one)))
    .join('\n')
}

function firstLine(text = ''): string {
  const [line = ''] = text.trim().split('\n')
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}

import { CircleCheck } from 'lucide-react'
import { formatLatency, plural } from '#app/components/ui/format.ts'
import { ToolList } from '#app/components/ui/tool-list.tsx'
import type { ConnectionTest } from '#contracts/agents.ts'

interface TestVerdictProps {
  result: NonNullable<ConnectionTest['result']>
  slug: string
  prefixTools: boolean
  /** Names of tools that were switched off. */
  off: readonly string[]
}

/** What the server answered in a test that passed, with its tools named as the agent will see them. */
export function TestVerdict({ result, slug, prefixTools, off }: TestVerdictProps) {
  const chosen = result.tools.filter(({ name }) => !off.includes(name))
  return (
    <>
      <div className="flex items-start gap-3 rounded-xl bg-ok-soft px-4 py-3.5 text-sm">
        <CircleCheck aria-hidden className="mt-0.5 size-5 shrink-0 text-ok" />
        <div>
          <p className="font-semibold text-ok">The handshake passed in {formatLatency(result.latencyMs)}.</p>
          <p>
            {result.serverName}
            {result.serverVersion ? ` ${result.serverVersion}` : ''} speaks MCP {result.protocolVersion} and
            offers {plural(result.tools.length, 'tool')}
            {chosen.length < result.tools.length ? `, of which the agent gets ${chosen.length}` : ''}.
          </p>
        </div>
      </div>
      <ToolList
        tools={chosen.map((tool) => ({
          ...tool,
          name: prefixTools ? `${slug}__${tool.name}` : tool.name,
        }))}
        empty={result.tools.length === 0 ? 'It offers no tools' : 'All its tools are switched off'}
      />
    </>
  )
}

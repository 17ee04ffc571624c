'use client'

import { useAgentTokens } from '#app/components/agents/agent-tokens.tsx'
import { clientsFor, TOKEN_PLACEHOLDER } from '#app/components/agents/snippets.ts'
import { Button } from '#app/components/ui/button.tsx'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { CodeBlock } from '#app/components/ui/code-block.tsx'
import { CopyButton } from '#app/components/ui/copy-button.tsx'
import { DownloadButton } from '#app/components/ui/download-button.tsx'
import { SecretOnce } from '#app/components/ui/secret-once.tsx'
import { Tab, TabList, TabPanel, Tabs } from '#app/components/ui/tabs.tsx'
import type { Agent } from '#contracts/agents.ts'

interface ClientSetupProps {
  agent: Agent
  onRotate: () => void
}

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** The agent's URL and token, and what to paste into common MCP clients. */
export function ClientSetup({ agent, onRotate }: ClientSetupProps) {
  const token = useAgentTokens().tokenOf(agent.id) ?? null
  const clients = clientsFor({ url: agent.url, agentId: agent.id, agentName: agent.name, token })
  return (
    <div className="grid gap-5">
      <Card>
        <CardHeader title="Endpoint" hint="One URL for every tool of this agent." />
        <div className="grid gap-4 px-4 py-4 sm:px-5">
          <div className="flex items-center gap-2">
            <code
              data-testid="agent-url"
              className="min-w-0 flex-1 rounded-lg border border-line bg-sunken px-3 py-2 font-mono text-[0.8125rem] break-all"
            >
              {agent.url}
            </code>
            <CopyButton text={agent.url} what="URL" labelled />
          </div>
          {token ? (
            <SecretOnce secret={token} what="token" />
          ) : (
            <p className="flex flex-wrap items-center gap-x-3 gap-y-2 text-sm text-muted">
              <span className="min-w-0 flex-1 basis-64">
                The token begins with <code className="font-mono">{agent.tokenPrefix}</code> and cannot be
                shown again. Put yours in place of <code className="font-mono">{TOKEN_PLACEHOLDER}</code>, or
                make a new one.
              </span>
              <Button size="sm" onClick={onRotate}>
                Rotate token
              </Button>
            </p>
          )}
          {agent.previousTokenUntil ? (
            <p className="text-sm text-warn">
              The token before this one works until{' '}
              <time dateTime={agent.previousTokenUntil}>
                {dateTime.format(new Date(agent.previousTokenUntil))}
              </time>
              .
            </p>
          ) : null}
        </div>
      </Card>
      <Card>
        <CardHeader title="Set up a client" />
        <Tabs defaultValue="claude-code" className="px-4 pt-1 pb-5 sm:px-5">
          <TabList label="MCP client">
            {clients.map((client) => (
              <Tab key={client.id} value={client.id}>
                {client.label}
              </Tab>
            ))}
          </TabList>
          {clients.map((client) => (
            <TabPanel key={client.id} value={client.id} className="grid gap-4">
              {client.snippets.map((snippet, index) => (
                <div key={snippet.where} className="grid min-w-0 gap-1.5">
                  <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
                    <p className="min-w-0 flex-1 basis-56 text-[0.8125rem] text-muted">{snippet.where}</p>
                    {snippet.fileName ? (
                      <DownloadButton text={snippet.code} fileName={snippet.fileName} />
                    ) : null}
                  </div>
                  <CodeBlock
                    code={snippet.code}
                    what={`${client.label} configuration${index === 0 ? '' : ` ${index + 1}`}`}
                  />
                </div>
              ))}
              {client.note ? <p className="text-[0.8125rem] text-muted">{client.note}</p> : null}
            </TabPanel>
          ))}
        </Tabs>
      </Card>
    </div>
  )
}

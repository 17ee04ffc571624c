import { describe, expect, it } from 'vitest'
import { clientsFor, TOKEN_PLACEHOLDER, urlWithToken } from '#app/components/agents/snippets.ts'

const agentId = '0190aaaa-0000-7000-8000-000000000001'
const input = {
  url: `http://localhost:3100/agents/${agentId}/mcp`,
  agentId,
  agentName: 'My Laptop!',
  token: 'tba_abc',
}
const codeOf = (id: string, changes: Partial<typeof input> | { token: null } = {}) =>
  clientsFor({ ...input, ...changes }).find((client) => client.id === id)?.snippets[0]?.code ?? ''

describe('snippets for MCP clients', () => {
  it.each(['claude-desktop', 'cursor', 'vscode', 'windsurf', 'gemini'])('are JSON for %s', (id) => {
    const text = JSON.stringify(JSON.parse(codeOf(id)))
    expect(text).toContain(input.url)
    expect(text).toContain('Bearer tba_abc')
    expect(text).toContain('toolberth-my-laptop')
  })

  it('carry a placeholder when the token is not known', () => {
    for (const client of clientsFor({ ...input, token: null }))
      expect(client.snippets.some((snippet) => snippet.code.includes(TOKEN_PLACEHOLDER))).toBe(true)
  })

  it('put the token into the path for clients without headers', () => {
    expect(urlWithToken(input)).toBe('http://localhost:3100/t/tba_abc/mcp')
  })

  it('allow plain HTTP in mcp-remote only where the address needs it', () => {
    expect(codeOf('claude-desktop')).not.toContain('--allow-http')
    const url = input.url.replace('localhost', '192.0.2.7')
    expect(codeOf('claude-desktop', { url })).toContain('--allow-http')
  })

  it('name the entry plainly whatever the agent is called', () => {
    expect(codeOf('codex', { agentName: '"]\n[x' })).toContain('[mcp_servers.toolberth-x]')
    expect(codeOf('codex', { agentName: '東京' })).toContain('[mcp_servers.toolberth]')
  })
})

import { parse as parseToml } from 'smol-toml'
import { describe, expect, it } from 'vitest'
import { clientsFor, TOKEN_PLACEHOLDER, urlWithToken } from '#app/components/agents/snippets.ts'
import { readConfig } from '#server/catalog/import/read.ts'

const agentId = '0190aaaa-0000-7000-8000-000000000001'
const input = {
  url: `http://localhost:3100/agents/${agentId}/mcp`,
  agentId,
  agentName: 'My Laptop!',
  token: 'tba_abc',
}
const filesOf = (id: string, changes: Partial<typeof input> = {}) =>
  clientsFor({ ...input, ...changes })
    .filter((client) => client.id === id)
    .flatMap(({ snippets }) => snippets.filter(({ fileName }) => fileName !== null))
const codeOf = (id: string, changes: Partial<typeof input> | { token: null } = {}) =>
  clientsFor({ ...input, ...changes }).find((client) => client.id === id)?.snippets[0]?.code ?? ''

const headers = { Authorization: 'Bearer tba_abc' }
/** File and content in the form that each client's own documentation gives. */
const FILES = {
  'claude-code': [
    'mcp.json',
    { mcpServers: { 'toolberth-my-laptop': { type: 'http', url: input.url, headers } } },
  ],
  'claude-desktop': [
    'claude_desktop_config.json',
    {
      mcpServers: {
        'toolberth-my-laptop': {
          command: 'npx',
          args: ['-y', 'mcp-remote', input.url, '--header', 'Authorization:${AUTHORIZATION}'],
          env: { AUTHORIZATION: 'Bearer tba_abc' },
        },
      },
    },
  ],
  cursor: ['mcp.json', { mcpServers: { 'toolberth-my-laptop': { url: input.url, headers } } }],
  vscode: ['mcp.json', { servers: { 'toolberth-my-laptop': { type: 'http', url: input.url, headers } } }],
  windsurf: ['mcp_config.json', { mcpServers: { 'toolberth-my-laptop': { serverUrl: input.url, headers } } }],
  gemini: ['settings.json', { mcpServers: { 'toolberth-my-laptop': { httpUrl: input.url, headers } } }],
  codex: [
    'config.toml',
    { mcp_servers: { 'toolberth-my-laptop': { url: input.url, bearer_token_env_var: 'TOOLBERTH_TOKEN' } } },
  ],
} as const

describe('snippets for MCP clients', () => {
  it.each(Object.entries(FILES))('are the file that %s reads', (id, [fileName, content]) => {
    const [file, ...more] = filesOf(id)
    expect(more).toEqual([])
    expect(file?.fileName).toBe(fileName)
    const code = file?.code ?? ''
    expect(fileName.endsWith('.toml') ? parseToml(code) : JSON.parse(code)).toEqual(content)
  })

  it.each(Object.keys(FILES))('lead the importer back to the endpoint, for %s', (id) => {
    const url = 'https://mcp.example.com/agents/x/mcp'
    const { drafts } = readConfig(filesOf(id, { url })[0]?.code ?? '')
    expect(drafts).toHaveLength(1)
    expect(drafts[0]).toMatchObject({
      key: 'toolberth-my-laptop',
      refusal: null,
      entry: {
        release: {
          source: { type: 'remote', url },
          transport: 'streamable-http',
          headers: [{ name: 'Authorization', secret: true }],
        },
      },
    })
    expect(drafts[0]?.answers.headers).toEqual(id === 'codex' ? {} : headers)
  })

  it('offer a connector of the cloud only where that cloud can reach the address', () => {
    const connector = (url: string) =>
      clientsFor({ ...input, url })
        .find(({ id }) => id === 'claude-desktop')
        ?.snippets.some(({ where }) => where.includes('custom connector'))
    expect(connector(input.url)).toBe(false)
    expect(connector('https://10.0.0.5/agents/x/mcp')).toBe(false)
    expect(connector('https://box.local/agents/x/mcp')).toBe(false)
    expect(connector('https://mcp.example.com/agents/x/mcp')).toBe(true)
  })

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

interface SnippetInput {
  /** The agent's MCP URL. */
  url: string
  agentId: string
  agentName: string
  /** Null when it is not known any more: the snippets then carry a placeholder. */
  token: string | null
}

interface Snippet {
  /** Where the text goes. */
  where: string
  code: string
}

interface Client {
  id: string
  label: string
  snippets: Snippet[]
  note: string | null
}

export const TOKEN_PLACEHOLDER = 'YOUR_AGENT_TOKEN'

/** Name of the entry in a client's configuration: letters, digits and dashes are what all of them accept. */
function entryName(agentName: string): string {
  const slug = agentName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return slug ? `toolberth-${slug}`.slice(0, 48).replace(/-+$/, '') : 'toolberth'
}

const json = (value: unknown): string => JSON.stringify(value, null, 2)

/** Plain HTTP to another machine than one's own, which mcp-remote refuses unless told. */
function needsAllowHttp(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

/** The same endpoint with the token in its path, for clients that cannot send headers. */
export function urlWithToken({ url, agentId, token }: SnippetInput): string {
  return url.replace(`/agents/${agentId}/mcp`, `/t/${token ?? TOKEN_PLACEHOLDER}/mcp`)
}

/** Ready configuration for common MCP clients, each in the form that its own documentation gives. */
export function clientsFor(input: SnippetInput): Client[] {
  const { url } = input
  const name = entryName(input.agentName)
  const token = input.token ?? TOKEN_PLACEHOLDER
  const authorization = `Bearer ${token}`
  const headers = { Authorization: authorization }
  return [
    {
      id: 'claude-code',
      label: 'Claude Code',
      snippets: [
        {
          where: 'Run in a terminal',
          code: `claude mcp add --transport http ${name} ${url} \\\n  --header "Authorization: ${authorization}"`,
        },
      ],
      note: null,
    },
    {
      id: 'claude-desktop',
      label: 'Claude Desktop',
      snippets: [
        {
          where: 'claude_desktop_config.json (Settings, Developer, Edit Config)',
          code: json({
            mcpServers: {
              [name]: {
                command: 'npx',
                args: [
                  '-y',
                  'mcp-remote',
                  url,
                  '--header',
                  'Authorization:${AUTHORIZATION}',
                  ...(needsAllowHttp(url) ? ['--allow-http'] : []),
                ],
                env: { AUTHORIZATION: authorization },
              },
            },
          }),
        },
      ],
      note: 'Claude Desktop reaches remote servers through mcp-remote, which needs Node.js.',
    },
    {
      id: 'cursor',
      label: 'Cursor',
      snippets: [{ where: '~/.cursor/mcp.json', code: json({ mcpServers: { [name]: { url, headers } } }) }],
      note: null,
    },
    {
      id: 'vscode',
      label: 'VS Code',
      snippets: [
        {
          where: '.vscode/mcp.json',
          code: json({ servers: { [name]: { type: 'http', url, headers } } }),
        },
      ],
      note: null,
    },
    {
      id: 'windsurf',
      label: 'Windsurf',
      snippets: [
        {
          where: '~/.codeium/windsurf/mcp_config.json',
          code: json({ mcpServers: { [name]: { serverUrl: url, headers } } }),
        },
      ],
      note: null,
    },
    {
      id: 'gemini',
      label: 'Gemini CLI',
      snippets: [
        {
          where: '~/.gemini/settings.json',
          code: json({ mcpServers: { [name]: { httpUrl: url, headers } } }),
        },
      ],
      note: null,
    },
    {
      id: 'codex',
      label: 'Codex',
      snippets: [
        {
          where: '~/.codex/config.toml',
          code: `[mcp_servers.${name}]\nurl = "${url}"\nbearer_token_env_var = "TOOLBERTH_TOKEN"`,
        },
        { where: 'In the environment that Codex starts in', code: `export TOOLBERTH_TOKEN="${token}"` },
      ],
      note: 'Codex reads the token from the environment.',
    },
    {
      id: 'url',
      label: 'URL only',
      snippets: [{ where: 'For clients that cannot send headers', code: urlWithToken(input) }],
      note: 'The address contains the token: treat it like a password.',
    },
  ]
}

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
  /** Name of the file to download; null: it is not a file. */
  fileName: string | null
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

/** Whether a client's own cloud may reach it, which calls custom connectors: HTTPS, under a name that is not a local one. */
function isPublic(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return (
    protocol === 'https:' &&
    /\.[a-z]{2,}$/i.test(hostname) &&
    !/\.(local|internal|lan|home|test)$/i.test(hostname)
  )
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
  const file = (fileName: string, where: string, value: unknown): Snippet => ({
    where,
    fileName,
    code: typeof value === 'string' ? value : `${json(value)}\n`,
  })
  const text = (where: string, code: string): Snippet => ({ where, code, fileName: null })
  return [
    {
      id: 'claude-code',
      label: 'Claude Code',
      snippets: [
        text(
          'Run in a terminal',
          `claude mcp add --transport http ${name} ${url} \\\n  --header "Authorization: ${authorization}"`,
        ),
        file('mcp.json', 'Or in .mcp.json in the folder of a project', {
          mcpServers: { [name]: { type: 'http', url, headers } },
        }),
      ],
      note: 'A file with a token in it does not belong into version control.',
    },
    {
      id: 'claude-desktop',
      label: 'Claude Desktop',
      snippets: [
        file('claude_desktop_config.json', 'claude_desktop_config.json (Settings, Developer, Edit Config)', {
          mcpServers: { [name]: bridged(url, authorization) },
        }),
        ...(isPublic(url)
          ? [
              text(
                'Or as a custom connector (Settings, Connectors), which sends no headers',
                urlWithToken(input),
              ),
            ]
          : []),
      ],
      note: 'Its configuration file starts programs only, so mcp-remote (needs Node.js) stands between.',
    },
    {
      id: 'cursor',
      label: 'Cursor',
      snippets: [
        file('mcp.json', '~/.cursor/mcp.json, or .cursor/mcp.json in a project', {
          mcpServers: { [name]: { url, headers } },
        }),
      ],
      note: null,
    },
    {
      id: 'vscode',
      label: 'VS Code',
      snippets: [
        file('mcp.json', '.vscode/mcp.json in a workspace, or MCP: Open User Configuration', {
          servers: { [name]: { type: 'http', url, headers } },
        }),
      ],
      note: null,
    },
    {
      id: 'windsurf',
      label: 'Windsurf',
      snippets: [
        file('mcp_config.json', '~/.codeium/windsurf/mcp_config.json', {
          mcpServers: { [name]: { serverUrl: url, headers } },
        }),
      ],
      note: null,
    },
    {
      id: 'gemini',
      label: 'Gemini CLI',
      snippets: [
        file('settings.json', '~/.gemini/settings.json', {
          mcpServers: { [name]: { httpUrl: url, headers } },
        }),
      ],
      note: null,
    },
    {
      id: 'codex',
      label: 'Codex',
      snippets: [
        file(
          'config.toml',
          '~/.codex/config.toml',
          `[mcp_servers.${name}]\nurl = ${JSON.stringify(url)}\nbearer_token_env_var = "TOOLBERTH_TOKEN"\n`,
        ),
        text('In the environment that Codex starts in', `export TOOLBERTH_TOKEN="${token}"`),
      ],
      note: 'Codex reads the token from the environment.',
    },
    {
      id: 'url',
      label: 'URL only',
      snippets: [text('For clients that cannot send headers', urlWithToken(input))],
      note: 'The address contains the token: treat it like a password.',
    },
  ]
}

/** Claude Desktop splits arguments at spaces on Windows, so that the value comes from a variable. */
function bridged(url: string, authorization: string): object {
  return {
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
  }
}

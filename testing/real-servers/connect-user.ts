import { randomBytes } from 'node:crypto'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { createToolberthClient, type ToolberthClient } from '#client/index.ts'
import { hashToken, newToken, tokenPrefix } from '#server/secrets/tokens.ts'
import { callTool } from '#testing/agent-process.ts'
import type { Installation } from '#testing/faults/installation.ts'

/** The SDK's client as an agent, through the gateway. */
export async function connectAgent({ url, token }: { url: string; token: string }): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' })
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }))
  return client
}

export interface ConnectedUser {
  client: ToolberthClient
  connectionId: string
  mcp: Client
  /** What the user gave as `TOKEN`. */
  token: string
  /** The process that serves the user, and what it was given. */
  whoami: () => Promise<{ pid: number; token: string | undefined }>
}

/** A user of their own with an agent that is connected, as `s`, to a server that wants a `TOKEN` of each user. */
export async function connectUser(
  installation: Installation,
  serverId: string,
  token: string,
): Promise<ConnectedUser> {
  const { id } = await installation.client.users.invite.mutate({
    email: `user-${randomBytes(4).toString('hex')}@example.test`,
  })
  const apiKey = newToken('tbk')
  await installation.rows(`INSERT INTO api_keys (user_id, name, prefix, hash) VALUES ($1, 'test', $2, $3)`, [
    id,
    tokenPrefix(apiKey),
    hashToken(apiKey),
  ])
  const url = `http://127.0.0.1:${installation.env.PORT}`
  const client = createToolberthClient({ url, apiKey })
  const agent = await client.agents.create.mutate({ name: 'own' })
  const connection = await client.connections.create.mutate({
    agentId: agent.id,
    serverId,
    slug: 's',
    credentials: { TOKEN: token },
  })
  const mcp = await connectAgent(agent)
  return {
    client,
    connectionId: connection.id,
    mcp,
    token,
    async whoami() {
      const { pid, env } = await callTool<{ pid: number; env: Record<string, string> }>(mcp, 's__whoami', {})
      return { pid, token: env.TOKEN }
    },
  }
}

import { randomBytes } from 'node:crypto'
import {
  CLIENT_CAPABILITIES_META_KEY,
  createMcpHandler,
  createRequestStateCodec,
  inputRequired,
  type McpHttpHandler,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { CAPABILITIES, complete, findPrompt, findTool, SERVER_INFO, TOOLS } from './fixture.ts'
import { asks, type Change, type FixtureCall, type Questions } from './fixture-call.ts'
import { PROMPTS } from './fixture-prompts.ts'
import { RESOURCES, readResource, TEMPLATES } from './fixture-resources.ts'

/** The fixture in the stateless era (2026-07-28); everything older is refused here. */
export function createModernFixture(): McpHttpHandler {
  const codec = createRequestStateCodec({ key: randomBytes(32) })
  const handler = createMcpHandler(() => build(), { legacy: 'reject' })

  function build(): Server {
    const server = new Server(SERVER_INFO, {
      capabilities: CAPABILITIES,
      requestState: { verify: (state, context) => codec.verify(state, context) },
    })
    server.setRequestHandler('tools/list', () => ({ tools: TOOLS.map(({ definition }) => definition) }))
    server.setRequestHandler('tools/call', async ({ params }, context) => {
      const outcome = await findTool(params.name)?.run(callOf(params.arguments ?? {}, context))
      if (outcome === undefined) throw invalid(`Unknown tool: ${params.name}`)
      return asks(outcome) ? required(outcome) : outcome
    })
    server.setRequestHandler('prompts/list', () => ({ prompts: PROMPTS.map(({ definition }) => definition) }))
    server.setRequestHandler('prompts/get', ({ params }, context) => {
      const outcome = findPrompt(params.name)?.get(callOf(params.arguments ?? {}, context))
      if (outcome === undefined) throw invalid(`Unknown prompt: ${params.name}`)
      return asks(outcome) ? required(outcome) : outcome
    })
    server.setRequestHandler('resources/list', () => ({ resources: RESOURCES }))
    server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: TEMPLATES }))
    server.setRequestHandler('resources/read', ({ params }) => {
      const result = readResource(params.uri)
      if (result === null) throw new ResourceNotFoundError(params.uri)
      return result
    })
    server.setRequestHandler('completion/complete', ({ params }) => ({
      completion: complete(params.argument.value),
    }))
    return server
  }

  function callOf(args: Record<string, unknown>, { mcpReq, http }: ServerContext): FixtureCall {
    const progressToken = mcpReq._meta?.progressToken
    const envelope: Record<string, unknown> = { ...mcpReq.envelope }
    return {
      args,
      capabilities: envelope[CLIENT_CAPABILITIES_META_KEY] ?? {},
      answers: mcpReq.inputResponses ?? {},
      state: mcpReq.requestState(),
      header: (name) => http?.req?.headers.get(name) ?? null,
      log: (data) => mcpReq.log('info', data),
      async progress(done) {
        if (progressToken === undefined) return
        await mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress: done, total: 100 },
        })
      },
      tell: (change) => tell(change),
    }
  }

  function tell(change: Change): void {
    if ('resource' in change) handler.notify.resourceUpdated(change.resource)
    else if (change.list === 'tools') handler.notify.toolsChanged()
    else handler.notify.promptsChanged()
  }

  async function required({ ask, state }: Questions) {
    return inputRequired({
      inputRequests: ask,
      ...(state !== undefined && { requestState: await codec.mint(state) }),
    })
  }

  return handler
}

function invalid(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message)
}

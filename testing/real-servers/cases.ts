import type { DeployServerInput } from '#contracts/servers.ts'
import { freePort } from '#testing/everything-server.ts'
import { FIXTURE_SCOPE } from '#testing/npm-registry.ts'
import { installedVersion } from './bundle-package.ts'

export const MCP = '@modelcontextprotocol'
export const NOTION_BEARER = 'bearer-of-the-notion-server'

/** `tool` is called with `args` and answers with something that holds `says`. */
export type Case = {
  name: string
  deploy: Omit<DeployServerInput, 'name'>
  tool: string
  args: Record<string, unknown>
  says: string
}

export const [context7Port, notionPort, playwrightPort] = [
  await freePort(),
  await freePort(),
  await freePort(),
]
const npm = (name: string, args: string[] = []) => ({
  type: 'npm' as const,
  package: `${MCP}/${name}`,
  version: installedVersion(`${MCP}/${name}`),
  args,
})
/** What is deployed at the same time, of one agent. */
export const CASES: Case[] = [
  {
    name: 'everything-stdio',
    deploy: { source: npm('server-everything', ['stdio']), transport: 'stdio' },
    tool: 'get-sum',
    args: { a: 2, b: 40 },
    says: '42',
  },
  {
    name: 'everything-http',
    deploy: { source: npm('server-everything', ['streamableHttp']), transport: 'streamable-http' },
    tool: 'echo',
    args: { message: 'over HTTP' },
    says: 'Echo: over HTTP',
  },
  {
    // Ours, which says when its tools change.
    name: 'changing',
    deploy: { source: { type: 'npm', package: `${FIXTURE_SCOPE}/container-server` }, transport: 'stdio' },
    tool: 'echo',
    args: { message: 'ours' },
    says: 'Echo: ours',
  },
  {
    name: 'filesystem',
    deploy: { source: npm('server-filesystem', ['/usr/share']), transport: 'stdio' },
    tool: 'list_allowed_directories',
    args: {},
    says: '/usr/share',
  },
  {
    name: 'memory',
    deploy: {
      source: npm('server-memory'),
      transport: 'stdio',
      data: [{ mountPath: '/data' }],
      env: { MEMORY_FILE_PATH: { value: '/data/memory.jsonl' } },
    },
    tool: 'create_entities',
    args: { entities: [{ name: 'Ada', entityType: 'person', observations: ['counts'] }] },
    says: 'Ada',
  },
  {
    name: 'thinking',
    deploy: { source: npm('server-sequential-thinking'), transport: 'stdio' },
    tool: 'sequentialthinking',
    args: { thought: 'One', thoughtNumber: 1, totalThoughts: 1, nextThoughtNeeded: false },
    says: 'thoughtHistoryLength',
  },
  {
    name: 'context7',
    deploy: {
      source: { type: 'remote', url: `http://127.0.0.1:${context7Port}/mcp` },
      transport: 'streamable-http',
    },
    tool: 'resolve-library-id',
    args: { query: 'berths', libraryName: 'toolberth' },
    says: 'A library about berths',
  },
  {
    name: 'notion',
    deploy: {
      source: {
        type: 'remote',
        url: `http://127.0.0.1:${notionPort}/mcp`,
        headers: { Authorization: `Bearer ${NOTION_BEARER}` },
      },
      transport: 'streamable-http',
    },
    tool: 'API-get-self',
    args: {},
    says: 'secret-of-notion',
  },
  {
    // It may lack a browser where tests run, so it is given none: it says so in its own words.
    name: 'playwright',
    deploy: {
      source: { type: 'remote', url: `http://127.0.0.1:${playwrightPort}/mcp` },
      transport: 'streamable-http',
    },
    tool: 'browser_tabs',
    args: { action: 'list' },
    says: '### Error',
  },
]

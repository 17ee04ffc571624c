import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ImportDraft } from './draft.ts'
import { readConfig } from './read.ts'

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')
const read = (text: string) => {
  const { format, drafts } = readConfig(text)
  return { format, servers: Object.fromEntries(drafts.map((draft) => [draft.key, draft])) }
}
const one = (text: string | object): ImportDraft => {
  const [draft] = readConfig(typeof text === 'string' ? text : JSON.stringify(text)).drafts
  if (!draft) throw new Error('nothing was read')
  return draft
}
const command = (command: string, args: string[], env?: object) => one({ command, args, ...(env && { env }) })

describe('server.json of the registry', () => {
  it('gives a package with its arguments and variables, the first that can be run', () => {
    const { format, servers } = read(fixture('registry-npm.json'))
    expect(format).toBe('server-json')
    expect(servers['io.github.example/weather']).toMatchObject({
      refusal: null,
      entry: {
        slug: 'weather',
        title: 'Weather',
        publisher: 'io.github.example',
        docsUrl: 'https://weather.example.com/docs',
        iconUrl: 'https://weather.example.com/icon.png',
        release: {
          version: '1.4.2',
          source: { type: 'npm', package: '@example/weather-mcp', version: '1.4.2', args: ['serve'] },
          transport: 'stdio',
          arguments: [
            { key: 'units', flag: '--units', default: 'metric', choices: ['metric', 'imperial'] },
            { key: 'region', required: true, repeated: true },
          ],
          variables: [
            { name: 'WEATHER_API_KEY', required: true, secret: true },
            { name: 'CACHE_SECONDS', default: '300', placeholder: '300' },
          ],
        },
      },
    })
  })

  it('gives an image that listens, with what docker run says of variables and data', () => {
    expect(one(fixture('registry-oci.json')).entry?.release).toMatchObject({
      source: { type: 'image', image: 'ghcr.io/example/tickets-mcp:0.9.0' },
      transport: 'streamable-http',
      http: { path: '/api/mcp', port: { env: 'PORT' } },
      variables: [
        { name: 'TICKETS_URL', required: true },
        { name: 'TICKETS_TOKEN', required: true, secret: true },
      ],
      data: [{ mountPath: '/var/lib/tickets' }],
    })
  })

  it('gives a remote server with its headers, and fills its URL in', () => {
    expect(one(fixture('registry-remote.json')).entry?.release).toMatchObject({
      source: { type: 'remote', url: 'https://eu.analytics.example.com/mcp' },
      transport: 'streamable-http',
      headers: [
        { name: 'Authorization', required: true, secret: true, placeholder: 'Bearer {api_key}' },
        { name: 'X-Team', required: false },
      ],
    })
  })

  it('is a remote server of the older transport where there is nothing newer, and says so', () => {
    const remotes = [{ type: 'sse', url: 'https://x.example/events' }]
    const { entry, notes } = one({ name: 'a/b', description: '', version: '1', packages: [], remotes })
    expect(entry?.release).toMatchObject({
      source: { type: 'remote', url: 'https://x.example/events' },
      transport: 'sse',
    })
    expect(notes).toEqual([expect.stringContaining('older SSE transport')])
  })

  it('is read in its older form, in a list and in the answer of the registry', () => {
    const older = fixture('registry-older.json')
    const release = {
      source: { package: 'older-mcp' },
      arguments: [{ key: 'mode', flag: '--mode', required: true }],
      variables: [{ name: 'OLDER_TOKEN', secret: true }],
    }
    expect(one(older).entry?.release).toMatchObject(release)
    expect(one(`[${older}]`).entry?.release).toMatchObject(release)
    expect(one(`{"servers": [{"server": ${older}, "_meta": {}}]}`).entry?.release).toMatchObject(release)
  })

  const document = (rest: object) =>
    one({ name: 'a/b', description: '', version: '1', packages: [], ...rest })
  const pack = (over: object) =>
    document({ packages: [{ identifier: 'x', transport: { type: 'stdio' }, ...over }] })
  it.each([
    [pack({ registryType: 'pypi' }), 'x is a Python package'],
    [pack({ registryType: 'nuget' }), 'x is a .NET package'],
    [pack({ registryType: 'mcpb' }), 'x is a desktop bundle'],
    [pack({ registryType: 'npm', transport: { type: 'sse' } }), 'speaks sse'],
    [pack({ registryType: 'npm', identifier: '../x' }), 'no package of the npm registry'],
    [pack({ registryType: 'oci', identifier: 'https://x' }), 'no name of an image'],
    [document({ remotes: [{ url: 'https://{tenant}.x.example/mcp' }] }), 'part to fill in (tenant)'],
    [document({}), 'neither a package nor a remote server'],
    [document({ packages: [7] }), 'Its packages.0 is wrong'],
  ])('that cannot be run is refused in words %#', ({ entry, refusal }, words) => {
    expect(entry).toBeNull()
    expect(refusal).toContain(words)
  })
})

describe('claude_desktop_config.json', () => {
  const { format, servers } = read(fixture('claude_desktop_config.json'))
  it('is told apart', () => expect(format).toBe('claude-desktop'))

  it('npx becomes a package, with its arguments', () => {
    expect(servers.filesystem?.entry?.release).toMatchObject({
      version: '2026.8.31',
      source: { package: '@modelcontextprotocol/server-filesystem', args: ['/srv/shared', '/srv/more'] },
    })
  })

  it('what is secret is asked for and answered, and kept nowhere', () => {
    const brave = servers['brave-search']
    expect(brave?.entry?.release).toMatchObject({
      version: 'latest',
      variables: [
        { name: 'BRAVE_API_KEY', required: true, secret: true },
        { name: 'BRAVE_MCP_LOG_LEVEL', default: 'info', secret: false },
      ],
    })
    expect(JSON.stringify(brave?.entry)).not.toContain('BSAabc')
    expect(brave?.answers.env.BRAVE_API_KEY).toEqual({ value: 'BSAabcdefghijklmnop', secret: true })
  })

  it('docker run becomes an image, with the variables that it passes on; a placeholder is no answer', () => {
    expect(servers.github).toMatchObject({
      entry: {
        release: {
          version: 'v0.20.1',
          source: { type: 'image', image: 'ghcr.io/github/github-mcp-server:v0.20.1' },
          variables: [
            { name: 'GITHUB_PERSONAL_ACCESS_TOKEN', required: true, secret: true },
            { name: 'GITHUB_READ_ONLY', default: '1' },
          ],
        },
      },
      answers: { env: { GITHUB_READ_ONLY: { value: '1' } } },
    })
    expect(servers.github?.answers.env).not.toHaveProperty('GITHUB_PERSONAL_ACCESS_TOKEN')
  })

  it.each([
    ['fetch', 'Python program (uvx)'],
    ['mine', 'a file of that machine with node'],
    ['shell', 'a shell (bash)'],
  ])('%s is refused by name', (name, words) => {
    expect(servers[name]).toMatchObject({ entry: null, refusal: expect.stringContaining(words) })
  })
})

describe('.mcp.json', () => {
  const { format, servers } = read(fixture('mcp.json'))

  it('is told apart, and has remote servers', () => {
    expect(format).toBe('mcp-json')
    expect(servers.sentry?.entry?.release).toMatchObject({
      source: { type: 'remote', url: 'https://mcp.sentry.dev/mcp' },
      headers: [],
    })
    expect(servers.internal?.entry?.release.transport).toBe('sse')
    expect(servers.internal?.notes).toEqual([expect.stringContaining('older SSE transport')])
  })

  it('what it fills in from the environment is asked for, in its place of the command line', () => {
    const database = servers.database?.entry?.release
    expect(database).toMatchObject({
      source: { package: 'db-mcp', version: '2.1.0', args: ['--readonly'] },
      arguments: [
        { key: 'dsn', flag: '--dsn', required: true },
        { key: 'public', default: 'public', required: true },
      ],
      variables: [
        { name: 'LOG_LEVEL', default: 'warn' },
        { name: 'DB_PASSWORD', required: true, secret: true },
      ],
    })
  })
})

describe('.vscode/mcp.json', () => {
  const { format, servers } = read(fixture('vscode-mcp.jsonc'))

  it('is read with comments and commas, and its inputs are what is asked for', () => {
    expect(format).toBe('vscode')
    expect(servers.Perplexity?.entry).toMatchObject({
      slug: 'perplexity',
      release: {
        arguments: [{ flag: '--model', default: 'small', choices: ['small', 'large'] }],
        variables: [{ name: 'PERPLEXITY_API_KEY', secret: true, description: 'Perplexity API Key' }],
      },
    })
    expect(servers.copilot?.entry?.release.headers).toMatchObject([
      { name: 'Authorization', required: true, secret: true, placeholder: 'Bearer …' },
    ])
  })

  it('is read from the settings of the editor too', () => {
    const settings = { 'editor.fontSize': 12, mcp: { servers: { a: { command: 'npx', args: ['a-mcp'] } } } }
    expect(read(JSON.stringify(settings))).toMatchObject({
      format: 'vscode',
      servers: { a: { refusal: null } },
    })
  })
})

describe('config.toml of Codex', () => {
  const { format, servers } = read(fixture('codex-config.toml'))

  it('is told apart, and its tables are read', () => {
    expect(format).toBe('codex')
    expect(servers.context7?.entry?.release).toMatchObject({
      source: { package: '@upstash/context7-mcp', version: '4.1.1' },
      variables: [{ name: 'CONTEXT7_API_KEY', secret: true }],
    })
    expect(servers.python?.refusal).toContain('Python program')
  })

  it('has headers from the environment, and variables that it passes on', () => {
    expect(servers.figma?.entry?.release).toMatchObject({
      source: { url: 'https://mcp.figma.com/mcp' },
      headers: [
        { name: 'X-Figma-Region', default: 'us-east-1' },
        { name: 'X-Trace', required: true },
        { name: 'Authorization', required: true, secret: true },
      ],
    })
    expect(servers.passed?.entry?.release.variables).toMatchObject([
      { name: 'PASSED_TOKEN', required: true, secret: true },
      { name: 'PASSED_MODE', required: true, secret: false },
    ])
    expect(servers.passed?.notes).toEqual(['It is switched off in the configuration.'])
  })
})

describe('commands', () => {
  it.each<[string, string[], object]>([
    ['npx', ['-y', 'pkg@1.2.3', '--flag', 'x'], { package: 'pkg', version: '1.2.3', args: ['--flag', 'x'] }],
    [
      'npx',
      ['--yes', '--package=@a/pkg@^2', 'the-bin', 'x'],
      { package: '@a/pkg', version: '^2', bin: 'the-bin', args: ['x'] },
    ],
    ['npx', ['-p', 'pkg', '--', 'the-bin'], { package: 'pkg', bin: 'the-bin' }],
    ['/usr/local/bin/npx', ['pkg@latest'], { package: 'pkg' }],
    ['cmd', ['/c', 'npx', '-y', 'pkg'], { package: 'pkg' }],
    ['npm', ['exec', '-y', '--', 'pkg', 'x'], { package: 'pkg', args: ['x'] }],
    ['pnpm', ['dlx', 'pkg'], { package: 'pkg' }],
    ['bunx', ['pkg'], { package: 'pkg' }],
    ['npx -y pkg x', [], { package: 'pkg', args: ['x'] }],
  ])('%s %j', (name, args, source) => {
    const { entry, refusal } = command(name, args)
    expect(refusal).toBeNull()
    expect(entry?.release.source).toEqual({ type: 'npm', ...source })
  })

  it.each([
    ['npx', ['-c', 'pkg'], 'shell command'],
    ['npx', ['-y'], 'no package'],
    ['npx', ['github:a/b'], 'no package of the npm registry'],
    ['npx', ['https://x.example/a.tgz'], 'no package of the npm registry'],
    ['npx', ['./local'], 'no package of the npm registry'],
    ['npx', ['pkg@file:../x'], 'no version'],
    ['docker', ['compose', 'up'], 'docker run'],
    ['docker', ['run', '--entrypoint', 'sh', 'image'], 'entry point'],
    ['docker', ['run', '--env-file', '.env', 'image'], 'from a file'],
    ['docker', ['run', '--bogus', 'image'], '--bogus'],
    ['docker', ['run', '-i'], 'no image'],
    ['docker', ['run', 'Not An Image'], 'no name of an image'],
    ['/opt/tool', [], '"tool", which is on that machine only'],
  ])('%s %j is refused', (name, args, words) => {
    expect(command(name, args)).toMatchObject({ entry: null, refusal: expect.stringContaining(words) })
  })

  it('docker run keeps limits and folders, and says what it leaves out', () => {
    const { entry, notes } = command(
      'docker',
      [
        'run',
        '-i',
        '--rm',
        '--init',
        '-m',
        '1g',
        '--cpus=0.5',
        '-v',
        '/home/me:/data',
        '--mount',
        'type=volume,src=x,dst=/more',
        '--network=host',
        '--privileged',
        '-eA=1',
        '--env',
        'B',
        'repo/image',
        '--serve',
      ],
      { B: 'b', C: 'c' },
    )
    expect(entry?.release).toMatchObject({
      version: 'latest',
      source: { type: 'image', image: 'repo/image', args: ['--serve'] },
      limits: { memoryMb: 1024, cpus: 0.5 },
      data: [{ mountPath: '/data' }, { mountPath: '/more' }],
      variables: [
        { name: 'A', default: '1' },
        { name: 'B', default: 'b' },
      ],
    })
    expect(notes.join('\n')).toMatch(
      /--network host was left out[^]*--privileged was left out[^]*C was left out/,
    )
  })

  it('a bridge to a remote server is that server, and what fills its headers is taken along', () => {
    const bridged = command(
      'npx',
      ['-y', 'mcp-remote@latest', 'https://x.example/mcp', '--header', 'Authorization:${AUTH}'],
      { AUTH: 'Bearer 0123456789abcdef' },
    )
    expect(bridged).toMatchObject({
      entry: {
        release: {
          source: { type: 'remote', url: 'https://x.example/mcp' },
          headers: [{ name: 'Authorization', secret: true }],
        },
      },
      answers: { headers: { Authorization: 'Bearer 0123456789abcdef' } },
    })
    expect(JSON.stringify(bridged.entry)).not.toContain('0123')
  })

  it('a secret among the arguments is asked for, and what follows it keeps its place', () => {
    const found = command('npx', ['pkg', '--a', '--api-key', 'sk-0123456789abcdef', '--b', 'c', 'last'])
    expect(found.entry?.release).toMatchObject({
      source: { args: ['--a'] },
      arguments: [
        { key: 'api-key', flag: '--api-key', required: true },
        { key: 'b', flag: '--b', default: 'c' },
        { key: 'last', default: 'last' },
      ],
    })
    expect(found.answers.arguments).toEqual({ 'api-key': 'sk-0123456789abcdef' })
    expect(JSON.stringify(found.entry)).not.toContain('sk-0')
    expect(found.notes.join()).toContain('looks like a secret')
  })
})

describe('a text', () => {
  it.each([
    ['', 'no list of servers'],
    ['nonsense', 'neither JSON nor TOML'],
    ['{"mcpServers": ', 'not JSON'],
    ['{"mcpServers": {}}', 'is empty'],
    ['{"other": {}}', 'no list of servers'],
    ['[mcp_servers]\n', 'is empty'],
    ['model = "x"', 'no list of servers'],
    ['[1', 'not JSON'],
  ])('%j is refused, saying why', (text, words) => {
    expect(() => readConfig(text)).toThrow(
      expect.objectContaining({ code: 'IMPORT_UNREADABLE', detail: expect.stringContaining(words) }),
    )
  })

  it('copied without its outer braces is read, and one server without a name', () => {
    expect(read('"github": { "command": "npx", "args": ["gh-mcp"] },').servers.github?.refusal).toBeNull()
    expect(one({ url: 'https://x.example/mcp' }).entry?.slug).toBe('server')
  })

  it('with wrong types refuses that server and no other', () => {
    const { servers } = read(
      JSON.stringify({
        mcpServers: { bad: { command: 7 }, worse: 'x', none: {}, good: { command: 'npx', args: ['a-mcp'] } },
      }),
    )
    expect(servers.bad?.refusal).toContain('Its command is wrong')
    expect(servers.worse?.refusal).not.toBeNull()
    expect(servers.none?.refusal).toBe('It has neither a command nor a URL.')
    expect(servers.good?.refusal).toBeNull()
  })

  it('whose names come to one slug gets two', () => {
    const { drafts } = readConfig(
      JSON.stringify({
        mcpServers: {
          'My Server': { url: 'https://a.example' },
          my_server: { url: 'https://b.example' },
          x: { url: 'https://c.example' },
        },
      }),
    )
    expect(drafts.map(({ entry }) => entry?.slug)).toEqual(['my-server', 'my-server-2', 'x-mcp'])
  })
})

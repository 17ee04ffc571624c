import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { query } from '#testing/database.ts'
import { startLogToolbox } from '#testing/log-toolbox.ts'
import {
  seedAgent,
  seedApiKey,
  seedPassedTest,
  seedServer,
  seedToolbox,
  seedUser,
  useSeededInstallation,
} from '#testing/seeded.ts'
import { startTrpcServer } from '#testing/trpc-server.ts'

const { database } = await useSeededInstallation({ GATEWAY_URL: 'http://127.0.0.1:9' })
const { createConnection } = await import('#server/connections/create.ts')
const admin = await seedUser({ role: 'ADMIN' })
const toolbox = await seedToolbox({ memoryMb: 100_000 })
const seeded = await seedServer(toolbox.id, { name: 'echo-server' })
await seedAgent(admin, 'twin')
await seedAgent(admin, 'twin')
const server = await startTrpcServer()
afterAll(() => server.close())
const apiKey = await seedApiKey(admin.id)

type Ended = { code: number; stdout: string; stderr: string }

function toolberth(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const settings = { TOOLBERTH_URL: server.url, TOOLBERTH_API_KEY: apiKey, ...env }
  return new Promise((resolve) => {
    const command = [join(import.meta.dirname, 'cli.ts'), ...args]
    execFile(process.execPath, command, { env: { ...process.env, ...settings } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })
}

describe('toolberth', () => {
  it('lists servers as a table and as JSON', async () => {
    const asTable = await toolberth(['servers', 'list'])
    expect(asTable).toMatchObject({ code: 0, stderr: '' })
    expect(asTable.stdout.split('\n').map((line) => line.split(/\s+/))).toContainEqual([
      seeded.name,
      'running',
      '1',
      toolbox.name,
    ])
    const asJson = await toolberth(['servers', 'list', '--json'])
    expect(JSON.parse(asJson.stdout)).toMatchObject([{ id: seeded.id, name: seeded.name }])
  })

  it('lists toolboxes, drains one, moves a server and says why one cannot be deleted', async () => {
    const other = await seedToolbox({ name: 'other-box' })
    await query(database.adminUrl, `UPDATE toolboxes SET kind = 'host' WHERE id = $1`, [other.id])
    await seedServer(other.id, { name: 'moving-server' })
    const listed = await toolberth(['toolboxes', 'list'])
    expect(listed.stdout).toMatch(/other-box +active +1 +https:/)
    const drained = await toolberth(['toolboxes', 'drain', 'other-box'])
    expect(drained).toMatchObject({ code: 0, stdout: 'other-box takes no more servers.\n' })
    const refused = await toolberth(['toolboxes', 'delete', 'other-box'])
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('On other-box: moving-server.'),
    })
    const moved = await toolberth(['toolboxes', 'move', 'moving-server', toolbox.name])
    expect(moved).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('moving-server is being deployed to'),
    })
    const unknown = await toolberth(['toolboxes', 'activate', 'nowhere'])
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('toolberth toolboxes list') })
  })

  it('prints a log, what is found in it, and new lines as they come', async () => {
    const logs = await startLogToolbox()
    const { name, instanceId } = await seedServer(logs.id, { name: 'chatty-server' })
    const log = logs.log(instanceId)
    log.write('stderr', '[WARN] first')
    log.write('stdout', 'second')
    const found = await toolberth(['servers', 'logs', name, '--level', 'warn'])
    expect(found).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\S+ stderr: \[WARN\] first\n$/) })

    const settings = { TOOLBERTH_URL: server.url, TOOLBERTH_API_KEY: apiKey }
    const command = [join(import.meta.dirname, 'cli.ts'), 'servers', 'logs', name, '--tail', '1', '-f']
    const following = spawn(process.execPath, command, { env: { ...process.env, ...settings } })
    let printed = ''
    following.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
    await expect.poll(logs.reading).toBe(1)
    log.write('stdout', 'third')
    await expect.poll(() => printed).toMatch(/^\S+ stdout: second\n\S+ stdout: third\n$/)
    following.kill('SIGTERM')
    await once(following, 'exit')
    await expect.poll(logs.reading).toBe(0)
  })

  it('deploys with variables, and keeps secrets off the command line', async () => {
    const args = [
      'servers',
      'deploy',
      '@scope/some-server',
      '-e',
      'A=1=2',
      '-s',
      'TOKEN',
      '--user-env',
      'ACCOUNT=Of your profile.',
      '-a',
      '--flag',
      '--no-wait',
    ]
    const deployed = await toolberth([...args, '--json'], { TOKEN: 'very secret' })
    expect(deployed).toMatchObject({ code: 0, stderr: '' })
    const { serverId, status } = JSON.parse(deployed.stdout) as { serverId: string; status: string }
    expect(status).toBe('queued')
    const { appRouter } = await import('#server/trpc/router.ts')
    const { name, revision } = await appRouter.createCaller(admin.ctx).servers.get({ id: serverId })
    expect(name).toBe('some-server')
    expect(revision).toMatchObject({
      source: { type: 'npm', package: '@scope/some-server', args: ['--flag'] },
      env: [
        { name: 'A', secret: false, value: '1=2' },
        { name: 'TOKEN', secret: true, value: null },
      ],
      sharing: 'isolated',
      userCredentials: [{ kind: 'env', name: 'ACCOUNT', description: 'Of your profile.', required: true }],
    })
  })

  it('lists the connections of an agent, ends one, and says what there is to choose from', async () => {
    const agent = await seedAgent(admin, 'worker')
    const testId = await seedPassedTest(admin, agent.id, seeded)
    const input = { agentId: agent.id, serverId: seeded.id, testId, slug: 'echo', prefixTools: true }
    await createConnection({ ctx: admin.ctx, input })
    const listed = await toolberth(['connections', 'list', 'worker'])
    expect(listed.stdout).toMatch(/echo +echo-server +connected +1 +12 ms/)
    const missing = await toolberth(['connections', 'retest', 'worker', 'nothing'])
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('connections list worker') })
    const ended = await toolberth(['connections', 'disconnect', 'worker', 'echo-server'])
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('not connected') })
    expect((await toolberth(['connections', 'list', 'worker'])).stdout).toBe('It is connected to nothing.\n')
  })

  it('gives an agent a new token, the old one counting for a while', async () => {
    await seedAgent(admin, 'turning')
    const rotated = await toolberth(['agents', 'rotate', 'turning', '--overlap', '15'])
    expect(rotated).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Token: tba_\S+\nThe old token counts/),
    })
    const again = await toolberth(['agents', 'rotate', 'turning', '--json'])
    expect(JSON.parse(again.stdout)).toMatchObject({ previousTokenUntil: null })
  })

  it('says so when no gateway is there to call a tool', async () => {
    await seedAgent(admin, 'caller')
    const called = await toolberth(['tools', 'call', 'caller', 'some__tool', '{"a": 1}'])
    expect(called).toMatchObject({ code: 1, stderr: expect.stringContaining('gateway') })
  })

  it('ends with 1 and the next action when it is refused', async () => {
    const taken = await toolberth(['servers', 'deploy', 'some-server', '--name', seeded.name])
    expect(taken).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Choose another name'),
    })
    const wrong = await toolberth(['servers', 'deploy', 'some-server', '--name', 'Not A Name'])
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('name: Use lower-case') })
    const key = await toolberth(['agents', 'list'], { TOOLBERTH_API_KEY: `tbk_${'a'.repeat(43)}` })
    expect(key).toMatchObject({ code: 1, stderr: expect.stringContaining('API key is unknown') })
    const silent = await toolberth(['agents', 'list', '--url', 'http://127.0.0.1:9'])
    expect(silent).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Nothing answers at http://127.0.0.1:9'),
    })
  })

  it('ends with 1 when what is named is not there, or is not one', async () => {
    const missing = await toolberth(['servers', 'logs', 'missing'])
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no server missing') })
    const twins = await toolberth(['agents', 'delete', 'twin'])
    expect(twins).toMatchObject({ code: 1, stderr: expect.stringContaining('There are 2 agents named twin') })
  })

  it.each([
    [['servers', 'destroy', 'x'], 'unknown command'],
    [['servers', 'deploy'], 'missing required argument'],
    [['servers', 'deploy', 'x', '-e', 'NOVALUE'], 'NAME=VALUE'],
    [['servers', 'deploy', 'x', '-s', 'NOT_SET_HERE'], 'is not set here'],
    [['servers', 'deploy', 'x', '--user-header', '=described'], 'NAME=description'],
    [['connect', 'x', 'y', '-c', 'X-Key=NOT_SET_HERE'], 'NOT_SET_HERE is not set here'],
    [['servers', 'deploy', 'x', '-t', 'pigeon'], 'Allowed choices'],
    [['servers', 'logs', 'x', '--tail', '0'], 'from 1'],
    [['agents', 'rotate', 'x', '--overlap', '7'], '0, 15, 60 or 1440'],
    [['tools', 'call', 'x', 'y', '[1]'], 'no JSON object'],
  ])('ends with 2 when %j is not understood', async (args, problem) => {
    expect(await toolberth(args)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(problem),
    })
  })

  it('ends with 2 when there is no key', async () => {
    const ended = await toolberth(['servers', 'list'], { TOOLBERTH_API_KEY: '' })
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('TOOLBERTH_API_KEY') })
  })
})

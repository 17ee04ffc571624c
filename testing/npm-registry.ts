import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'

const run = promisify(execFile)

/** Scope of packages that exist only in tests. */
export const FIXTURE_SCOPE = '@toolberth-fixtures'

export type FixtureRegistry = {
  url: string
  /** npm configuration that sends just the scopes of what is served here, on top of the invoking user's own. */
  npmrcPath: string
  /** The next question about a package waits for `release`; `asked` resolves when it has come. */
  holdNext(): { asked: Promise<void>; release(): void }
  stop(): Promise<void>
}

type Hold = { come: () => void; released: Promise<void> }

const Packed = z.array(z.object({ filename: z.string() })).length(1)
const Manifest = z.looseObject({ name: z.string().startsWith('@'), version: z.string() })

type Served = { manifest: z.infer<typeof Manifest>; tarball: Buffer }

/** A registry on loopback that serves packages of ours, packed by npm from the given folders as a release would be. */
export async function startFixtureRegistry(folders: string[], host = '127.0.0.1'): Promise<FixtureRegistry> {
  const temporary = await mkdtemp(join(tmpdir(), 'toolberth-registry-'))
  const packages = new Map<string, Served>()
  for (const folder of folders) {
    const served = await pack(folder, temporary)
    packages.set(served.manifest.name, served)
  }
  let hold: Hold | null = null
  async function describe(served: Served, origin: string, response: ServerResponse): Promise<void> {
    const holding = hold
    hold = null
    holding?.come()
    await holding?.released
    // Kept in no cache, so that every installation asks.
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(JSON.stringify(packument(served, origin)))
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://registry').pathname).slice(1)
    const tarball = path.endsWith('.tgz') ? packages.get(path.slice(0, path.indexOf('/-/'))) : undefined
    const served = packages.get(path)
    if (tarball !== undefined) response.end(tarball.tarball)
    else if (served !== undefined) void describe(served, `http://${request.headers.host}`, response)
    else response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not_found"}')
  })
  server.listen(0, host)
  await once(server, 'listening')
  const url = `http://${host}:${(server.address() as AddressInfo).port}`
  const npmrcPath = join(temporary, 'npmrc')
  const own = process.env.npm_config_userconfig ?? join(homedir(), '.npmrc')
  const inherited = await readFile(own, 'utf8').catch(() => '')
  const scopes = new Set([FIXTURE_SCOPE, ...[...packages.keys()].map((name) => name.split('/')[0])])
  const lines = [inherited, ...[...scopes].map((scope) => `${scope}:registry=${url}/`), '']
  await writeFile(npmrcPath, lines.join('\n'), { mode: 0o600 })
  return {
    url,
    npmrcPath,
    holdNext() {
      const asked = Promise.withResolvers<void>()
      const released = Promise.withResolvers<void>()
      hold = { come: asked.resolve, released: released.promise }
      return { asked: asked.promise, release: released.resolve }
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      await rm(temporary, { recursive: true, force: true })
    },
  }
}

async function pack(folder: string, destination: string): Promise<Served> {
  const manifest = Manifest.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')))
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination, folder]
  const { stdout } = await run('npm', args)
  const [packed] = Packed.parse(JSON.parse(stdout))
  return { manifest, tarball: await readFile(join(destination, packed?.filename ?? '')) }
}

function packument({ manifest, tarball }: Served, origin: string): unknown {
  const { name, version } = manifest
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
  const dist = { tarball: `${origin}/${name}/-/${name.split('/')[1]}-${version}.tgz`, integrity }
  return {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist } },
  }
}

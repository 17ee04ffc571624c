import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

const root = resolve(import.meta.dirname, '..')
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8')

const Service = z.object({
  image: z.string(),
  command: z.union([z.string(), z.array(z.string())]).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  secrets: z.array(z.string()).default([]),
  networks: z.array(z.string()).default([]),
  network_mode: z.string().optional(),
  depends_on: z.record(z.string(), z.unknown()).default({}),
  read_only: z.boolean().default(false),
  privileged: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()),
})
const Compose = z.object({
  services: z.record(z.string(), Service),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
  networks: z.record(z.string(), z.object({ internal: z.boolean().default(false) })),
  volumes: z.record(z.string(), z.unknown()),
})

const compose = Compose.parse(parse(text, { merge: true }))
const services = Object.entries(compose.services)
const ours = services.filter(([, { image }]) => image === 'toolberth:local')

describe('docker-compose.yml', () => {
  it('runs every process', () => {
    expect(Object.keys(compose.services)).toEqual(
      expect.arrayContaining(['postgres', 'redis', 'setup', 'web', 'worker', 'gateway', 'dtma']),
    )
  })

  it('has no default for any secret', () => {
    const secrets = [...text.matchAll(/\$\{(\w*(?:PASSWORD|SECRET|TOKEN|KEY)\w*)([^}]*)\}/g)]
    expect(secrets.length).toBeGreaterThan(0)
    // Required, or left out: what it would open stays shut then.
    for (const [, name, rest] of secrets) expect(`${name}${rest}`).toMatch(/^\w+:(\?|-$)/)
    const settings = services.flatMap(([, { environment }]) => Object.entries(environment))
    const inClear = settings.filter(
      ([name, value]) => /PASSWORD|SECRET|API_KEY/.test(name) && !/^\$\{\w+:\?/.test(value),
    )
    expect(inClear).toEqual([])
  })

  it('lets the gateway tell its metrics to who has the token', () => {
    expect(compose.services.gateway?.environment).toMatchObject({ METRICS_TOKEN: '${METRICS_TOKEN:-}' })
    expect(readFileSync(join(root, '.env.example'), 'utf8')).toMatch(/^#METRICS_TOKEN=/m)
  })

  it('publishes to this machine alone, and neither Postgres nor Redis', () => {
    for (const [, { ports }] of services) for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
    for (const name of ['postgres', 'redis']) {
      expect(compose.services[name]?.ports).toEqual([])
      expect(compose.services[name]?.networks).toEqual(['data'])
    }
    expect(compose.networks.data?.internal).toBe(true)
  })

  it('hardens every container of ours', () => {
    expect(ours.length).toBeGreaterThanOrEqual(5)
    for (const [, service] of ours) {
      expect(service).toMatchObject({ read_only: true, privileged: false, cap_drop: ['ALL'] })
      expect(service.security_opt).toContain('no-new-privileges:true')
    }
  })

  it('gives the owner’s password to the set-up alone', () => {
    const holders = services.filter(([, { environment }]) =>
      JSON.stringify(environment).includes('OWNER_PASSWORD'),
    )
    expect(holders.map(([name]) => name).sort()).toEqual(['postgres', 'setup'])
  })

  it('refers only to what exists', () => {
    for (const [, service] of services) {
      for (const name of service.networks) expect(compose.networks).toHaveProperty(name)
      for (const name of service.secrets) expect(compose.secrets).toHaveProperty(name)
      for (const name of Object.keys(service.depends_on)) expect(compose.services).toHaveProperty(name)
    }
    const sources = services.flatMap(([, { volumes }]) => volumes.map((volume) => volume.split(':')[0] ?? ''))
    const isThere = (source: string) =>
      source.startsWith('./') ? existsSync(join(root, source)) : source in compose.volumes
    expect(sources.filter((source) => !isThere(source))).toEqual([])
  })

  it('starts programs that exist', () => {
    const programs = ours.flatMap(
      ([, { command = [] }]) =>
        [command]
          .flat()
          .join(' ')
          .match(/[\w/-]+\.ts\b/g) ?? [],
    )
    expect(programs.length).toBeGreaterThan(0)
    expect(programs.filter((program) => !existsSync(join(root, program)))).toEqual([])
  })
})

describe('.dockerignore', () => {
  it('lets in every folder that package.json names, tests and operations apart', () => {
    const { imports } = z
      .object({ imports: z.record(z.string(), z.string()) })
      .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))
    const admitted = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')
    const folders = Object.keys(imports).flatMap((key) => /^#(\w+)\/\*$/.exec(key)?.[1] ?? [])
    const missing = folders.filter(
      (name) => !['testing', 'e2e'].includes(name) && !admitted.includes(`!${name}`),
    )
    expect(missing).toEqual([])
  })
})

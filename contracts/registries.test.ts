import { describe, expect, it } from 'vitest'
import { RegistryHost, registryHostOf } from './registries.ts'

describe('the registry of an image', () => {
  it.each([
    ['nginx', 'docker.io'],
    ['nginx:1.27', 'docker.io'],
    ['mcp/fetch', 'docker.io'],
    ['docker.io/mcp/fetch', 'docker.io'],
    ['index.docker.io/mcp/fetch', 'docker.io'],
    ['ghcr.io/owner/name:tag', 'ghcr.io'],
    ['GHCR.io/owner/name', 'ghcr.io'],
    ['localhost/name', 'localhost'],
    ['localhost:5000/name@sha256:00', 'localhost:5000'],
    ['registry:5000/name', 'registry:5000'],
    ['registry.example.com:5000/a/b/c:1', 'registry.example.com:5000'],
  ])('%s is %s', (image, host) => {
    expect(registryHostOf(image)).toBe(host)
  })
})

describe('the host of a registry', () => {
  it.each([
    [' GHCR.io ', 'ghcr.io'],
    ['registry-1.docker.io', 'docker.io'],
    ['localhost', 'localhost'],
    ['registry:5000', 'registry:5000'],
    ['127.0.0.1:5000', '127.0.0.1:5000'],
  ])('%j is kept as %s', (given, kept) => {
    expect(RegistryHost.parse(given)).toBe(kept)
  })
  it.each([
    '',
    'https://ghcr.io',
    'ghcr.io/owner',
    'ghcr',
    'user@ghcr.io',
    'ghcr.io:',
    '-a.io',
    'a b.io',
    'a..io',
  ])('%j is refused', (given) => {
    expect(RegistryHost.safeParse(given).success).toBe(false)
  })
})

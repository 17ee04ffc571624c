import type { EnvRow } from '#app/components/servers/deploy-values.ts'

/** A short name out of a package's, an image's or an address: "@modelcontextprotocol/server-everything" gives "everything". */
export function suggestName(source: string): string {
  const bare =
    source
      .trim()
      .toLowerCase()
      .replace(/^https?:\/\/(?:mcp\.|www\.|api\.)*/, '')
      .replace(/@sha256:.*$/, '')
      .replace(/:[\w.-]*$/, '')
      .replace(/(?:\/(?:v\d+|mcp|sse|api))+\/?$/, '')
      .replace(/(?<=[a-z0-9]\.)(?:com|io|dev|org|net|ai|app)$/, '')
      .split('/')
      .at(-1) ?? ''
  const slug = bare
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^(mcp-server-|server-|mcp-)|(-mcp-server|-server|-mcp)$/g, '')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '')
  return slug.length >= 3 ? slug : ''
}

const SECRET_NAME = /(KEY|TOKEN|SECRET|PASS|PASSWORD|CREDENTIALS?|DSN|PRIVATE)(_|$)/i

export const looksSecret = (name: string): boolean => SECRET_NAME.test(name)

/** Rows of a pasted `.env` block; lines that are no assignment are left out. */
export function parseEnvBlock(block: string): EnvRow[] {
  return block.split(/\r?\n/).flatMap((line) => {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line)
    const [, name, raw] = match ?? []
    if (!name || raw === undefined) return []
    const quoted = /^(["'])(.*)\1$/.exec(raw)
    return [{ name, value: quoted?.[2] ?? raw, secret: looksSecret(name) }]
  })
}

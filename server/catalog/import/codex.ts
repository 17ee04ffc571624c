import { z } from 'zod'
import { readClientServer } from './client-server.ts'
import type { ImportDraft } from './draft.ts'

const Own = z.object({
  http_headers: z.record(z.string(), z.string()).default({}),
  /** Header to the variable that has its value. */
  env_http_headers: z.record(z.string(), z.string()).default({}),
  /** Variable whose value is sent as `Authorization: Bearer …`. */
  bearer_token_env_var: z.string().optional(),
  /** Variables that are passed on from the shell. */
  env_vars: z.array(z.union([z.string(), z.looseObject({ name: z.string() })])).default([]),
  env: z.record(z.string(), z.unknown()).default({}),
})

/** A server of `[mcp_servers.name]` in the config.toml of Codex, in the words of the other clients. */
export function readCodexServer(key: string, value: unknown): ImportDraft {
  const own = Own.safeParse(value)
  if (!own.success || typeof value !== 'object') return readClientServer(key, value, new Map())
  const { http_headers, env_http_headers, bearer_token_env_var, env_vars, env } = own.data
  const passed = env_vars.map((one) => (typeof one === 'string' ? one : one.name))
  return readClientServer(
    key,
    {
      ...value,
      headers: {
        ...http_headers,
        ...Object.fromEntries(
          Object.entries(env_http_headers).map(([header, variable]) => [header, `\${env:${variable}}`]),
        ),
        ...(bearer_token_env_var !== undefined && {
          Authorization: `Bearer \${env:${bearer_token_env_var}}`,
        }),
      },
      env: { ...Object.fromEntries(passed.map((name) => [name, null])), ...env },
    },
    new Map(),
  )
}

import { z } from 'zod'

/** What a server said of itself at the last probe that passed; rows of older versions have less. Null before there was one. */
export const ServerInfo = z
  .looseObject({
    name: z.string().optional(),
    version: z.string().nullish(),
    protocolVersion: z.string().optional(),
    capabilities: z.record(z.string(), z.unknown()).optional(),
  })
  .nullable()
export type ServerInfo = z.infer<typeof ServerInfo>

import { z } from 'zod'
import { Failure } from './errors.ts'
import { Name, Text } from './names.ts'

/** How DigitalOcean names regions, sizes and images. */
export const CloudSlug = z
  .string()
  .max(64)
  .regex(/^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/, 'This is not a name of DigitalOcean, such as "fra1".')

/** What a droplet runs unless another image is asked for: the system that the installer is written for. */
export const DEFAULT_DROPLET_IMAGE = 'ubuntu-24-04-x64'

export const CreateDropletToolbox = z.strictObject({
  kind: z.literal('droplet'),
  name: Name,
  region: CloudSlug,
  size: CloudSlug,
  image: CloudSlug.default(DEFAULT_DROPLET_IMAGE),
})
export type CreateDropletToolbox = z.infer<typeof CreateDropletToolbox>

export const DropletStep = z.enum([
  'creating',
  'booting',
  'securing',
  'installing',
  'ready',
  'destroying',
  'gone',
])
export type DropletStep = z.infer<typeof DropletStep>

/** Steps that were really gone through, oldest first; the last one goes on while it has no end. */
export const DropletHistory = z.array(
  z.object({ step: DropletStep, startedAt: z.iso.datetime(), endedAt: z.iso.datetime().nullable() }),
)
export type DropletHistory = z.infer<typeof DropletHistory>

/** The machine behind a toolbox of the kind `droplet`. */
export const Droplet = z.object({
  step: DropletStep,
  region: z.string(),
  size: z.string(),
  image: z.string(),
  /** US dollars, as the account was told when it was made. */
  priceMonthly: z.number().nullable(),
  /** DigitalOcean's id, once it is known. */
  dropletId: z.int().nullable(),
  ipv4: z.string().nullable(),
  attempt: z.int(),
  history: DropletHistory,
  /** What keeps the present step from going on; it is tried again by itself. */
  trouble: Failure.nullable(),
  deadlineAt: z.iso.datetime(),
})
export type Droplet = z.infer<typeof Droplet>

/** What a droplet can be made of in this account, now. Empty lists with `problem` when the cloud cannot be asked. */
export const ToolboxOptions = z.object({
  /** Where the token comes from; null: there is none. */
  tokenSource: z.enum(['file', 'stored']).nullable(),
  problem: Failure.nullable(),
  account: z.object({ email: z.string(), dropletLimit: z.int(), status: z.string() }).nullable(),
  regions: z.array(z.object({ slug: z.string(), name: z.string() })),
  sizes: z.array(
    z.object({
      slug: z.string(),
      description: z.string(),
      vcpus: z.int(),
      memoryMb: z.int(),
      diskGb: z.int(),
      /** US dollars. */
      priceMonthly: z.number(),
      priceHourly: z.number(),
      regions: z.array(z.string()),
    }),
  ),
  defaultImage: z.string(),
})
export type ToolboxOptions = z.infer<typeof ToolboxOptions>

export const SetCloudToken = z.strictObject({
  token: z
    .string()
    .trim()
    .max(128)
    .regex(
      /^(?:do[a-z]_v1_)?[a-f0-9]{64}$/,
      'This is not a token of DigitalOcean: dop_v1_ and 64 digits from 0 to f.',
    ),
})

/** A droplet that carries this installation's tag and that no toolbox has. */
export const ReapCandidate = z.object({
  id: z.int(),
  name: Text,
  createdAt: z.iso.datetime(),
  region: z.string(),
  size: z.string(),
  /** Whether this database remembers having made it. */
  remembered: z.boolean(),
})
export type ReapCandidate = z.infer<typeof ReapCandidate>

/**
 * The reaper: `restored` the database is older than what was seen before, `unknown` there are droplets that it cannot have made,
 * `many` more than a fifth would go. In each case nothing is destroyed until an admin decides.
 */
export const CloudStatus = z.object({
  tokenSource: z.enum(['file', 'stored']).nullable(),
  ranAt: z.iso.datetime().nullable(),
  paused: z
    .object({
      since: z.iso.datetime(),
      reason: z.enum(['restored', 'unknown', 'many']),
      candidates: z.array(ReapCandidate),
    })
    .nullable(),
})
export type CloudStatus = z.infer<typeof CloudStatus>

/** Together they name every candidate that was shown; what has come since is asked about anew. */
export const DecideReap = z.strictObject({
  destroy: z.array(z.int().nonnegative()).max(1000),
  keep: z.array(z.int().nonnegative()).max(1000),
})
export type DecideReap = z.infer<typeof DecideReap>

import { createHash } from 'node:crypto'
import { type CreateDropletToolbox, DEFAULT_DROPLET_IMAGE, type ToolboxOptions } from '#contracts/droplets.ts'
import { ERROR_CATALOGUE } from '#contracts/errors.ts'
import { askingCloud } from '#server/cloud/failure.ts'
import { cloudWith } from '#server/cloud/open-cloud.ts'
import type { CloudAccount, CloudRegion, MachineSize } from '#server/cloud/provider.ts'
import { type CloudToken, readCloudToken } from '#server/cloud/token.ts'
import { AppError, toFailure } from '#server/errors.ts'

/** Sizes and prices change a few times a year; availability by the hour. */
const CACHE_MS = 60_000

interface Offer {
  account: CloudAccount
  sizes: MachineSize[]
  regions: CloudRegion[]
}

let cached: { key: string; until: number; offer: Promise<Offer> } | undefined

/** What a droplet can be made of in this account. A cloud that cannot be asked is told as `problem`. */
export async function getToolboxOptions(): Promise<ToolboxOptions> {
  const nothing = { account: null, regions: [], sizes: [], defaultImage: DEFAULT_DROPLET_IMAGE }
  let source: CloudToken['source'] | null = null
  try {
    const token = await readCloudToken()
    if (token === null) return { tokenSource: null, problem: null, ...nothing }
    source = token.source
    const { account, sizes, regions } = await offerFor(token.value)
    return {
      tokenSource: source,
      problem: null,
      account: { email: account.email, dropletLimit: account.machineLimit, status: account.status },
      // A region without a size has nothing to offer.
      regions: regions
        .filter(({ slug }) => sizes.some((size) => size.regions.includes(slug)))
        .toSorted((a, b) => a.name.localeCompare(b.name)),
      sizes: sizes.toSorted((a, b) => a.priceMonthly - b.priceMonthly || a.slug.localeCompare(b.slug)),
      defaultImage: DEFAULT_DROPLET_IMAGE,
    }
  } catch (error) {
    if (!(error instanceof AppError) || !(error.code in ERROR_CATALOGUE)) throw error
    return {
      tokenSource: source,
      problem: toFailure(error.code, { detail: error.detail ?? null }),
      ...nothing,
    }
  }
}

/** The monthly price of what is asked for. Throws AppError BAD_REQUEST, which names the field that the account does not have. */
export async function checkOptions({ region, size }: CreateDropletToolbox): Promise<number> {
  const token = await readCloudToken()
  if (token === null) throw new AppError('CLOUD_NOT_CONFIGURED', 'no token')
  const { sizes, regions } = await offerFor(token.value)
  const chosen = sizes.find(({ slug }) => slug === size)
  const fields: Record<string, string[]> = {}
  if (!regions.some(({ slug }) => slug === region)) fields.region = ['This account has no such region now.']
  if (!chosen) fields.size = ['This account has no such size now.']
  else if (!fields.region && !chosen.regions.includes(region))
    fields.size = [`This size is not to be had in ${region} now.`]
  if (!chosen || Object.keys(fields).length > 0)
    throw new AppError('BAD_REQUEST', `no ${size} in ${region}`, { fields })
  return chosen.priceMonthly
}

function offerFor(token: string): Promise<Offer> {
  const key = createHash('sha256').update(token).digest('hex')
  if (cached?.key === key && cached.until > Date.now()) return cached.offer
  const offer = askingCloud(async () => {
    const cloud = cloudWith(token)
    const [account, sizes, regions] = await Promise.all([cloud.account(), cloud.sizes(), cloud.regions()])
    return { account, sizes, regions }
  })
  cached = { key, until: Date.now() + CACHE_MS, offer }
  // What failed is asked anew at once.
  offer.catch(() => {
    if (cached?.offer === offer) cached = undefined
  })
  return offer
}

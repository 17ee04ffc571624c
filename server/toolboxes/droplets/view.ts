import { type Droplet, DropletHistory } from '#contracts/droplets.ts'
import { Failure } from '#contracts/errors.ts'
import type { Droplet as Row } from '#server/db/generated/client.ts'

/** The machine of a toolbox as pages show it. */
export function dropletView(row: Row): Droplet {
  return {
    step: row.step,
    region: row.region,
    size: row.size,
    image: row.image,
    priceMonthly: row.priceMonthly,
    dropletId: row.dropletId === null ? null : Number(row.dropletId),
    ipv4: row.ipv4,
    attempt: row.attempt,
    history: DropletHistory.safeParse(row.history).data ?? [],
    trouble: Failure.safeParse(row.trouble).data ?? null,
    deadlineAt: row.deadlineAt.toISOString(),
  }
}

import { stepWords } from '#app/components/toolboxes/droplet-steps.ts'
import { describeFailure } from '#app/trpc/failure.ts'
import type { Droplet } from '#contracts/droplets.ts'

/** What goes on with a droplet, in one line; nothing when it is ready or gone. */
export function DropletLine({ droplet }: { droplet: Droplet }) {
  const words = stepWords(droplet.step)
  if (words === null) return null
  return (
    <p className="text-sm text-muted">
      {words}
      {droplet.trouble ? <span className="text-bad"> {describeFailure(droplet.trouble).text}</span> : null}
    </p>
  )
}

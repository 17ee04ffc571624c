import type { InstanceSpec, NpmSource } from '#contracts/instances.ts'
import { InstanceFailure } from '#dtma/drivers/driver.ts'

/** Throws InstanceFailure SOURCE_UNSUPPORTED for everything that is no npm package. */
export function npmSource({ source }: InstanceSpec): NpmSource {
  if (source.type === 'npm') return source
  throw new InstanceFailure(
    'SOURCE_UNSUPPORTED',
    `This toolbox runs npm packages as processes; it has no engine for "${source.type}".`,
  )
}

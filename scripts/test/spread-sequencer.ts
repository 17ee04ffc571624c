import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Short files that take long: whole installations, containers, agents in processes of their own, packages that are built. */
const LONG =
  /^(testing\/(faults|docker|real-servers)\/|dtma\/|scripts\/(start|bootstrap)|client\/pack|gateway\/.*conformance)/

/**
 * Vitest begins with the largest files, and would begin the longest of ours last, when nothing is left to run beside them. They
 * are spread over the first two thirds instead, each project by itself.
 */
export class SpreadSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const projects = [...new Set(sorted.map(({ project }) => project))]
    return projects.flatMap((project) => {
      const own = sorted.filter((file) => file.project === project)
      const isLong = ({ moduleId }: TestSpecification) => LONG.test(relative(project.config.root, moduleId))
      return spread(
        own.filter(isLong),
        own.filter((file) => !isLong(file)),
      )
    })
  }
}

/** One of `few` first, and the others of them evenly among the first two thirds of `many`. */
export function spread<T>(few: T[], many: T[]): T[] {
  const between = Math.max(1, Math.floor((many.length * 2) / 3 / Math.max(1, few.length)))
  const rest = [...many]
  return [...few.flatMap((one) => [one, ...rest.splice(0, between)]), ...rest]
}

import { inject } from 'vitest'
import { noteProcess } from '#testing/run-folder.ts'
import type { Installation } from './installation.ts'
import { type Place, startToolboxProcess, type ToolboxProcess } from './toolbox-process.ts'

export type SecondToolbox = ToolboxProcess

/** A second toolbox whose agent ends with the test run at the latest. */
export function addToolbox(installation: Installation, name: string, place?: Place): Promise<SecondToolbox> {
  return startToolboxProcess(installation, name, (pid) => noteProcess(inject('runFolder'), pid), place)
}
